/* main.c - the program: one binary that is server and command line. */
#include "base/version.h"

#include <stdio.h>
#include <string.h>

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "version") == 0) {
		printf("tinpost %s\n", version_string());
		return 0;
	}
	fputs("usage: tinpost version\n", stderr);
	return 2;
}
