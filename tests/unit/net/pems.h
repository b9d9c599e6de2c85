/* pems.h - an RSA key and its certificate for b.test and *.b.test, made with
 * openssl for these tests alone and valid until 2126; signed with SHA-384. */
#ifndef TINPOST_TESTS_NET_PEMS_H
#define TINPOST_TESTS_NET_PEMS_H

/* clang-format off */
static const char pem_rsa_cert[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIDIjCCAgqgAwIBAgIUQAin5ZnevcTSC2B8bfQm8jTPhPEwDQYJKoZIhvcNAQEM\n"
    "BQAwETEPMA0GA1UEAwwGYi50ZXN0MCAXDTI2MTEyMzExNDQ1NVoYDzIxMjYxMDMw\n"
    "MTE0NDU1WjARMQ8wDQYDVQQDDAZiLnRlc3QwggEiMA0GCSqGSIb3DQEBAQUAA4IB\n"
    "DwAwggEKAoIBAQC1FSm9aFyB41cRryq3KtC0jlyMM7oVfsVfE/cssimagNqp++If\n"
    "UUaZsog9zIjSdy1qwbokXoVTMUwNo7cJJXJdQdvdDNLcbgFw9zT6HeokL9YjpAzW\n"
    "0T7ramWdVAU+JCMH7Yiv+fMteiR/KK1/4+MvmF5GnnihcY+b4fuEdYngsDqNGsOU\n"
    "2M16pNvGJQ3B4J5gLfq3D1dC/52+XQKfYikmI3VCo9l8UJXAzMpPEqZehHFEgA0f\n"
    "auKjdP8728w+BQ6oZvJO7lm6IKG5M8xMiISnSoThktLq+08wpQmGxI8lp+5VWEBL\n"
    "tD0VtpiQUEQxysIhUCEpqhjSpWUeFMZlw70dAgMBAAGjcDBuMB0GA1UdDgQWBBTb\n"
    "VENgq0JSYS/YZzEDQghrPrGwszAfBgNVHSMEGDAWgBTbVENgq0JSYS/YZzEDQghr\n"
    "PrGwszAPBgNVHRMBAf8EBTADAQH/MBsGA1UdEQQUMBKCBmIudGVzdIIIKi5iLnRl\n"
    "c3QwDQYJKoZIhvcNAQEMBQADggEBAD2H9QIanxsSsqGtfpOrOi1+5jKHo240h3d7\n"
    "YL5BOQ1T3EWdEsyHzXpVaDlmRINZ7TOyzIGJdk8MAnpEKK+GUNdP60N1723rdeUz\n"
    "WRNtZEj+8aewbtW9JWGILK3tDZx5a8hv75T2G5DLaKkvsl1R/LDpUVSJYAvazSZn\n"
    "LFuHkrvV2YijsxKhD0shrLpqcO/P2j2BikF3A0HsUPl6S5rkO3bwn+E7tjKvGB9e\n"
    "ciF5Sz3KEqfvWa7KPDXc+/uG0/4+SNab5HQ8rtk8jGmKSurQ1F4meU0/T1VWCerh\n"
    "6zDwKx4cjVSe+g2QaupdZkazgJMvDvd6nHfyZmIf3TYAy2HZMvg=\n"
    "-----END CERTIFICATE-----\n";

static const char pem_rsa_key[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIIEowIBAAKCAQEAtRUpvWhcgeNXEa8qtyrQtI5cjDO6FX7FXxP3LLIpmoDaqfvi\n"
    "H1FGmbKIPcyI0nctasG6JF6FUzFMDaO3CSVyXUHb3QzS3G4BcPc0+h3qJC/WI6QM\n"
    "1tE+62plnVQFPiQjB+2Ir/nzLXokfyitf+PjL5heRp54oXGPm+H7hHWJ4LA6jRrD\n"
    "lNjNeqTbxiUNweCeYC36tw9XQv+dvl0Cn2IpJiN1QqPZfFCVwMzKTxKmXoRxRIAN\n"
    "H2rio3T/O9vMPgUOqGbyTu5ZuiChuTPMTIiEp0qE4ZLS6vtPMKUJhsSPJafuVVhA\n"
    "S7Q9FbaYkFBEMcrCIVAhKaoY0qVlHhTGZcO9HQIDAQABAoIBACWK2fDAKH+wVa6f\n"
    "qaQ4fvUUF8lkdwW6Vuqvnbz5QglbghogU+DozZGTc04Wr94sobCisfgU1aDqFUm1\n"
    "ob7Gcfe2LgJeBIB5WRil0+iwF4lBlqykeBn4X0pY8HDGCOE5hj7ARyiu0jUhP9xS\n"
    "H2hmo4UMWq1a8QkNnXe0yhvL75YysS/VfWVCLHq7DV5qazUglXD4aX7RkFQvvkkI\n"
    "JHLZlcVqrMPSix00Iei5ERC1Dd7bALTUvNETeNanpOrNgr8ZU1dkXaiWBK6BrpYI\n"
    "pB88ccPPkD/aeOocqUPlxv8ra4JlvUr/nmBO+G33GfHzp/lEHEZs6allG89zwTJC\n"
    "Q5VfTukCgYEA9EKwfOHy6u2pfLvgSMyyCY4dHKSyR/171BGmje+51EwEcz54g66o\n"
    "wnSeO7iKUoYKoe9s9ONnTq68Nv0u3DxLPXbyu+sVkGTJ09hwUf+2FLlT/SXp1Q09\n"
    "GIFa4zCy74XEK06LdT3P3rQquGnVsXAvdhJvExoNCCIOHrUCBLZeMukCgYEAvckm\n"
    "3N4sxnI3qA9Ma9jymV6kjget7/nvy6Ns5TvyzIpqGv67hMKnAiTsByvT8MLwIaSp\n"
    "LRXx0l1xBPr8Nf64JWjCJLVejJbA6U6Dkyw672d8uu0XLLQsV7sncj5gqxtky/7F\n"
    "RLtogI9nv9FcnzPNMBQJvtxnHUF4E3CnI38jEBUCgYAUjvhjynCzrUUypm1+MxxZ\n"
    "CYkRvBr1TDR76PBnyeGOKMfHG17xVmYF1+Lpi+K4h2elsY0uH2W2jaZxymWDS9/Z\n"
    "UIWlo2exO4pxNipd/HPK0r5q9CH2OKMHyPtpW9PzrQKR0o6SU52HVQqzctT1lkeo\n"
    "XGzU4sBuCs+9bea5ls/e4QKBgQC3j0W6XF1cNv6j2uAkc3n5YzOvd7gBInGPOWrK\n"
    "sNfeg4WqxHRkLMzRYxqyuO5NsI4HTDagt9fjiqMUmRi1tL8w14jnblCbk/fT8C+M\n"
    "ejwqb6KRPV2rzDwTQp4dfj2LYXx1Xd444zZpGcrUGVAHX1f3R3pBkvVcs4TK8KuH\n"
    "xqEIHQKBgACCa1BIEWOcOS7YhTXDHWY1o3VLUD+KU2H6pUoCV1Zf4KX1c2hPlA7f\n"
    "SEoqck5zvxFfxv1c7e/KKpB9K8CoB3OzinCs6YzPMMnVlgnEqKIVE2MUToISmcqp\n"
    "n9m4QqT9H07FCPWzg+rDhlHPQRQyz7zrId244CnnbUPaYdB4XPIk\n"
    "-----END RSA PRIVATE KEY-----\n";

/* clang-format on */

#endif
