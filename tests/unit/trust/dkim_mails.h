/* dkim_mails.h - mail signed by dkimpy, and the key of d.test. */
#ifndef TINPOST_TESTS_DKIM_MAILS_H
#define TINPOST_TESTS_DKIM_MAILS_H

static const char dkim_key_txt[] =
    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDd1q2X5jEX"
    "WmCSYJrAsjRJ8sup2tc6ND4XPULpTRXHlXpZSlTrCV5sTlqZb3N+uUFb0FEAkBq9A5"
    "3Iu3bwUsIvJt0UKh8b6hI/nDcZVm3ty/0FQfxRbA5SQJRVV9gfmP5aNUwi97LIxdND"
    "fxhPVwVQ4/Nji6jWnK4DM3Txa7SbhQIDAQAB";

static const char dkim_mail_relaxed[] =
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=d.test;\r\n"
    " i=@d.test; q=dns/txt; s=s; t=1795453395; h=from : to : subject :\r\n"
    " comments : from; bh=FE2LVsshUxTDsVvYSutGLx1MO47eR3XieAM4XHoNNVA=;\r\n"
    " b=KNCZYS0c/9K3y9C2eQMMGrvGf3hP+MbK/wU79QRXjH20UUEWhcTzqlOBsc4ok+K"
    "AJfAt3\r\n"
    " JdDF89KDsyKF42XVf3iXx3WystJGmDZAxaHtXohJbLIH6dN6/GhKfmd0XSj3e+ACz"
    "Mv/ZWR\r\n"
    " iFcPxtjt8xdrG/MdGYOvi+RL3vlceHs=\r\n"
    "From: Ann <ann@d.test>\r\n"
    "To: you@mail.test\r\n"
    "Subject: hello\r\n"
    "Comments:  a\r\n"
    "\tb  \r\n"
    "Comments: last\r\n"
    "\r\n"
    " Hi \t there \r\n"
    "\r\n"
    "bye\r\n"
    "\r\n"
    "\r\n";

static const char dkim_mail_simple[] =
    "DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=d.test; i=@d"
    ".test;\r\n"
    " q=dns/txt; s=s; t=1795453395; h=from : to : subject : comments : "
    "from;\r\n"
    " bh=7UI2L7dIry2FLklqOUeiqXgOjImC1anHZPRQOFaDeSM=;\r\n"
    " b=qQvKDEj9EHGu1jrZC54bZWtLnFphbCeOciL4NXY0Vx7xTRejUnGnKyaZrVczRES"
    "Omj88D\r\n"
    " 6eHphRSlklJEtlJSHUwlaje+2C/apoR8ptsCuaVMc4janvpil1wnvD91G3eFpsW5V"
    "r464Ub\r\n"
    " /dfF7dhjeW/sPQsV0CzelPhaR3Smrqg=\r\n"
    "From: Ann <ann@d.test>\r\n"
    "To: you@mail.test\r\n"
    "Subject: hello\r\n"
    "Comments:  a\r\n"
    "\tb  \r\n"
    "Comments: last\r\n"
    "\r\n"
    " Hi \t there \r\n"
    "\r\n"
    "bye\r\n"
    "\r\n"
    "\r\n";

static const char dkim_mail_length[] =
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=d.test; i=@"
    "d.test;\r\n"
    " l=21; q=dns/txt; s=s; t=1795453395; h=from : to : subject : comme"
    "nts :\r\n"
    " from; bh=7UI2L7dIry2FLklqOUeiqXgOjImC1anHZPRQOFaDeSM=;\r\n"
    " b=ismyop2Gc6ow5ktR77nE7m3xPM4dGC2zueTAUtsstxflxGdx1a6NZwSEn3Mo6y9"
    "p7qB2Z\r\n"
    " tjpMRpzig7NdHqwz6Hbxhapn30TF18hCG3PknC9f9kdNtKKHoZLAdeTPiUGYeXwxU"
    "fIZqk5\r\n"
    " piZOR9V+oNJMjH4y8T4WNfLu36d9T9M=\r\n"
    "From: Ann <ann@d.test>\r\n"
    "To: you@mail.test\r\n"
    "Subject: hello\r\n"
    "Comments:  a\r\n"
    "\tb  \r\n"
    "Comments: last\r\n"
    "\r\n"
    " Hi \t there \r\n"
    "\r\n"
    "bye\r\n"
    "\r\n"
    "\r\n";

/* Its h= has room for one more DKIM-Signature. */
static const char dkim_mail_own[] =
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=d.test;\r\n"
    " i=@d.test; q=dns/txt; s=s; t=1795453395; h=from : dkim-signature "
    ": to;\r\n"
    " bh=FE2LVsshUxTDsVvYSutGLx1MO47eR3XieAM4XHoNNVA=;\r\n"
    " b=o3neeowhuWMNDzTCXuZPIJCanrQhKIjXR/V+Fd3jwAtgS5Ar+hMFwdTVtWEDZhk"
    "s5oQ4Y\r\n"
    " kY+daGIcj5XsItZX9TkUV73MvKsC64ZzXQAfu4GylB4To3hg5q2DXWnx8/FaN3SXD"
    "m7i+MK\r\n"
    " 8+nRFoMCL+9pS6Clof/CJhx66fvYYHc=\r\n"
    "From: Ann <ann@d.test>\r\n"
    "To: you@mail.test\r\n"
    "Subject: hello\r\n"
    "Comments:  a\r\n"
    "\tb  \r\n"
    "Comments: last\r\n"
    "\r\n"
    " Hi \t there \r\n"
    "\r\n"
    "bye\r\n"
    "\r\n"
    "\r\n";

#endif
