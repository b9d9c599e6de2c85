/* open.h - making, opening and closing a store. What is public of it stands
 * in store.h. Room-private. */
#ifndef TINPOST_STORE_OPEN_H
#define TINPOST_STORE_OPEN_H

/* Rule 7: of the index's file, and unless told otherwise of the device, kept
 * for what frees space. */
#define OPEN_RESERVE_BYTES (1024 * 1024)

#endif
