// SPDX-License-Identifier: Apache-2.0
//
// In C since Swift's Glibc module has no epoll.

#include "EchoServer.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void watch(int queue, int descriptor) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
    if (descriptor < 0 || epoll_ctl(queue, EPOLL_CTL_ADD, descriptor, &event) != 0) abort();
}

void answerEveryRequest(int listener, size_t count) {
    static const char answer[4096];
    char request[4096];
    struct epoll_event events[64];
    int queue = epoll_create1(0);
    watch(queue, listener);
    for (;;) {
        int ready = epoll_wait(queue, events, 64, -1);
        for (int index = 0; index < ready; index++) {
            int descriptor = events[index].data.fd;
            if (descriptor == listener) {
                watch(queue, accept(listener, NULL, NULL));
            } else if (read(descriptor, request, sizeof request) <= 0 || write(descriptor, answer, count) < 0) {
                close(descriptor);
            }
        }
    }
}
