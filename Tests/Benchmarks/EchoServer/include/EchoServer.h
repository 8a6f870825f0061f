// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stddef.h>

/// Answers whatever comes over any number of connections of `listener` with `count` zeros (at most 4096), in one thread,
/// for ever: the system calls that a broker cannot do without for a heartbeat.
void answerEveryRequest(int listener, size_t count) __attribute__((noreturn));
