/* SPDX-License-Identifier: GPL-2.0-only */
/* string.c: the few functions of memory and text that a program without libc needs (gcc itself calls the first three). */
#include "server/executor/internal.h"

void *memcpy(void *to, const void *from, size_t n)
{
    void *result = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
    return result;
}

void *memmove(void *to, const void *from, size_t n)
{
    if ((uintptr_t)to - (uintptr_t)from >= n)
        return memcpy(to, from, n);
    /* They overlap and `to` is the upper one: copy downwards, eight bytes a step (moves of a frame are aligned to 8). */
    uint8_t *t = to;
    const uint8_t *f = from;
    for (; n >= 8 && (uintptr_t)to - (uintptr_t)from >= 8; n -= 8) {
        uint64_t word;
        __builtin_memcpy(&word, f + n - 8, 8);
        __builtin_memcpy(t + n - 8, &word, 8);
    }
    for (; n > 0; n--)
        ((volatile uint8_t *)t)[n - 1] = f[n - 1];
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    void *result = to;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(byte) : "memory");
    return result;
}

size_t text_length(const char *text)
{
    const volatile char *p = text; /* volatile: or gcc makes this a call of strlen */
    while (*p != '\0')
        p++;
    return (size_t)(p - text);
}

int text_equal(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b)
        a++, b++;
    return *a == *b;
}

uint64_t text_number(const char **text, unsigned base)
{
    uint64_t number = 0;
    const char *p = *text;
    for (;; p++) {
        unsigned digit = *p >= '0' && *p <= '9' ? (unsigned)(*p - '0') : *p >= 'a' && *p <= 'f' ? (unsigned)(*p - 'a') + 10 : 99;
        if (digit >= base)
            break;
        number = number * base + digit;
    }
    *text = *p != '\0' ? p + 1 : p;
    return number;
}

char *text_put(char *end, uint64_t number)
{
    char digits[20];
    unsigned n = 0;
    do
        digits[n++] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    while (n > 0)
        *end++ = digits[--n];
    *end++ = ' ';
    *end = '\0';
    return end;
}
