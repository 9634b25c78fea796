/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MEMBLOCK_LINEAR_H
#define _MEMBLOCK_LINEAR_H

#include "common.h"

int memblock_linear_checks(void);

#endif
