// SPDX-License-Identifier: Apache-2.0
#pragma once
#ifndef THREADED
#define THREADED
#endif
#include <string.h>
#include <zookeeper/zookeeper.h>

// Overwrites with zeros the stack that the next call of the same caller will use.
__attribute__((noinline, unused)) static void czookeeper_clear_stack(void) {
    volatile char area[4096];
    for (unsigned long index = 0; index < sizeof area; index += 1) area[index] = 0;
}

// As zoo_amulti. When the session dies between two operations of the call, zoo_amulti of 3.8 frees pointers that it
// never set; on a stack of zeros it frees nothing instead.
__attribute__((noinline, unused)) static int czookeeper_multi(
    zhandle_t *handle, int count, const zoo_op_t *operations, zoo_op_result_t *results, void_completion_t completion,
    const void *data) {
    czookeeper_clear_stack();
    return zoo_amulti(handle, count, operations, results, completion, data);
}
