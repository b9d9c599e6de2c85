/* dkim_mails.h - mail signed by dkimpy, and the key of d.test. */
#ifndef TINPOST_TESTS_DKIM_MAILS_H
#define TINPOST_TESTS_DKIM_MAILS_H

static const char dkim_key_txt[] =
    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDDeRcZ1xRy"
    "kSdcF/o5arTSZiHvwfpKqtLV3pfoQWI8kkNYxSfvrFiMdnPEC+rdeGRyAwPZSBBs97"
    "GeexhQeLSa2rboqofMoL208IT6Ts4z+NxGqWniWHiq9MbAd6si1PhJRE4jpH0M52uI"
    "iP6jgubAa3GEk1IpByyhQMG62h73BwIDAQAB";

static const char dkim_mail_relaxed[] =
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=d.test;\r"
    "\n"
    " i=@d.test; q=dns/txt; s=s; t=1795446278; h=from : to : subject : "
    "from;\r\n"
    " bh=FE2LVsshUxTDsVvYSutGLx1MO47eR3XieAM4XHoNNVA=;\r\n"
    " b=SkVJVnJiZwGaGvKVMWvC6/Z8NuowiCfRWWrqP8l0VNByPpNDLXPlgWqrkZLWvqh"
    "OWcAZJ\r\n"
    " zEnxWLORtWtVykGp+kNmWumQzGsnB94vZqU0r91MeMNh+cF64Uz6DxDccFQCvc3rw"
    "j+6JK5\r\n"
    " +aFi+XjS4RWjB8JeMj7o5uXQGCQEzDU=\r\n"
    "From: Ann <ann@d.test>\r\n"
    "To: you@mail.test\r\n"
    "Subject:  a\r\n"
    "\tb  \r\n"
    "Subject: last\r\n"
    "\r\n"
    " Hi \t there \r\n"
    "\r\n"
    "bye\r\n"
    "\r\n"
    "\r\n";

static const char dkim_mail_simple[] =
    "DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=d.test; i=@d"
    ".test;\r\n"
    " q=dns/txt; s=s; t=1795446278; h=from : to : subject : from;\r\n"
    " bh=7UI2L7dIry2FLklqOUeiqXgOjImC1anHZPRQOFaDeSM=;\r\n"
    " b=W6UpbgxEVhwSHydJyL3loyuZi/QKwbBu2+yzoYo92wlrPaIVoN7XWsYFrAoTKHG"
    "mxinLl\r\n"
    " /AFQcSt1chPyp+B638s1rGPOCi5y21BUvXvpaaHeMz/1moze7Or6z6l2ISWFLfxdO"
    "Cisib7\r\n"
    " bVD2W3ttgmVvtzzvpGYBk0GWtTvD+3Q=\r\n"
    "From: Ann <ann@d.test>\r\n"
    "To: you@mail.test\r\n"
    "Subject:  a\r\n"
    "\tb  \r\n"
    "Subject: last\r\n"
    "\r\n"
    " Hi \t there \r\n"
    "\r\n"
    "bye\r\n"
    "\r\n"
    "\r\n";

static const char dkim_mail_length[] =
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=d.test; i=@"
    "d.test;\r\n"
    " l=21; q=dns/txt; s=s; t=1795446278; h=from : to : subject : from;"
    "\r\n"
    " bh=7UI2L7dIry2FLklqOUeiqXgOjImC1anHZPRQOFaDeSM=;\r\n"
    " b=QzpXlMtBxSDkGgutS0PXyXEvw2koZWjFsCGKrNJVs6nNZU2y1QgUqcXMGobzsF8"
    "AW63+k\r\n"
    " 9gzOy9KxgVZ5Ow/17LUnH47Fqy8ECACQL59yTrWnC6/vA9gB99U31dtcnpSmc8STt"
    "GKL1iC\r\n"
    " Bj1SbZ8aFQRFiYO0MX5FDnvdY/SfbyQ=\r\n"
    "From: Ann <ann@d.test>\r\n"
    "To: you@mail.test\r\n"
    "Subject:  a\r\n"
    "\tb  \r\n"
    "Subject: last\r\n"
    "\r\n"
    " Hi \t there \r\n"
    "\r\n"
    "bye\r\n"
    "\r\n"
    "\r\n";

#endif
