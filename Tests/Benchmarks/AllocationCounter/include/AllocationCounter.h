// SPDX-License-Identifier: Apache-2.0
//
// Counts what a thread asks of malloc. A program that links this has the C library's allocator behind functions that
// count, for its own calls and those of all its libraries.

#pragma once

// Calls of malloc, calloc, realloc and their aligned kin by the calling thread since its start.
unsigned long martlet_allocations_of_thread(void);
