// SPDX-License-Identifier: Apache-2.0
//
// Calls of Linux that the Glibc module leaves out.

#pragma once
#include <errno.h>
#include <sys/statfs.h>
#include <sys/uio.h>

// unistd.h declares it for GNU sources only.
extern int syncfs(int descriptor);

static inline int martlet_syncfs(int descriptor) {
    return syncfs(descriptor);
}

// uio.h declares it for GNU sources only.
extern ssize_t preadv2(int descriptor, const struct iovec *parts, int count, off_t position, int flags);

// Whether a byte of a file would have to come from the disk; 0 also where the file system cannot tell.
static inline int martlet_would_wait(int descriptor, off_t position) {
    char byte;
    struct iovec part = {&byte, 1};
    // 8 is RWF_NOWAIT.
    return preadv2(descriptor, &part, 1, position, 8) < 0 && errno == EAGAIN;
}

// The magic number of the file system that holds an open file; negative when it cannot be told.
static inline long martlet_file_system_type(int descriptor) {
    struct statfs status;
    return fstatfs(descriptor, &status) == 0 ? (long)(unsigned int)status.f_type : -1;
}
