/* box.h - the machine around the server: its privileged parent. */
#ifndef TINPOST_BOX_BOX_H
#define TINPOST_BOX_BOX_H

#include "box/confine.h"
#include "box/parent.h"

#endif
