// SPDX-License-Identifier: Apache-2.0
//
// Calls of Linux that the Glibc module leaves out.

#pragma once
#include <sys/statfs.h>

// unistd.h declares it for GNU sources only.
extern int syncfs(int descriptor);

static inline int martlet_syncfs(int descriptor) {
    return syncfs(descriptor);
}

// The magic number of the file system that holds an open file; negative when it cannot be told.
static inline long martlet_file_system_type(int descriptor) {
    struct statfs status;
    return fstatfs(descriptor, &status) == 0 ? (long)(unsigned int)status.f_type : -1;
}
