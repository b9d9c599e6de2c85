#include "base/err.h"

const char *
err_text(int code)
{
	static const char *const texts[] = {
		"done",
		"out of memory",
		"input or output error",
		"no space left",
		"over quota",
		"not found",
		"exists already",
		"removed meanwhile",
		"over a limit",
		"not understood",
		"not allowed",
		"denied",
		"too many failures, try later",
		"in use",
		"not ready",
		"closed by the peer",
		"damaged",
		"written by a newer version",
		"not a Tinpost file",
		"read-only at present",
		"not supported",
		"no answer in time",
		"connection refused",
		"not reachable",
		"TLS failed",
	};
	const int n = (int)(sizeof(texts) / sizeof(texts[0]));

	if (code > 0 || -code >= n)
		return "unknown";
	return texts[-code];
}
