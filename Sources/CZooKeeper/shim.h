// SPDX-License-Identifier: Apache-2.0
#pragma once
#ifndef THREADED
#define THREADED
#endif
#include <zookeeper/zookeeper.h>
