/* SPDX-License-Identifier: GPL-2.0-only */
/* hello.c: the client's side of the first bytes of a connection. */
#include "src/core/util.h"
#include "transport/transport.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_MAX 2000 /* of a server's message, as much as a person reads */

/* What the server sent is printed on the user's terminal: nothing of it may be taken for a control sequence. */
void rsys_make_printable(char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            text[i] = text[i] == '\n' ? ' ' : '?';
}

static int receive_failed(int timeout_ms, struct rsys_error **err)
{
    if (errno == ETIMEDOUT)
        return rsys_error_make(err, ETIMEDOUT, "no answer within %d.%d seconds (does rsys-sandboxd listen there?)", timeout_ms / 1000,
                               timeout_ms % 1000 / 100);
    if (errno == EPIPE || errno == ECONNRESET)
        return rsys_error_make(err, 0, "the server closed the connection without an answer (does rsys-sandboxd listen there?)");
    return rsys_error_make(err, errno, "receive the server's answer");
}

static int not_rsys(const void *first, struct rsys_error **err)
{
    char shown[5] = {0};
    memcpy(shown, first, 4);
    for (int i = 0; i < 4; i++)
        if (!isprint((unsigned char)shown[i]))
            shown[i] = '?';
    return rsys_error_make(err, 0, "what listens there does not speak rsys (its answer begins with \"%s\"); is the address right?", shown);
}

static int server_said(const struct rsys_hello_reply *reply, char *text, struct rsys_error **err)
{
    size_t n = RSYS_MIN((size_t)reply->size, (size_t)MESSAGE_MAX);
    rsys_make_printable(text, n);
    const char *what = reply->status == RSYS_HELLO_REFUSED  ? "the server refused the session"
                       : reply->status == RSYS_HELLO_FAILED ? "the server could not make the sandbox"
                                                            : "the server failed";
    if (n == 0)
        return rsys_error_make(err, 0, "%s", what);
    return rsys_error_make(err, 0, "%s: %.*s", what, (int)n, text);
}

static int other_version(unsigned server, struct rsys_error **err)
{
    return rsys_error_make(err, 0, "the server speaks version %u of the protocol and this client version %u: install the same rsys on both", server,
                           RSYS_WIRE_VERSION);
}

static int send_hello(int fd, const struct rsys_hello *hello, int timeout_ms, struct rsys_error **err)
{
    /* A server that refuses us whatever we say has answered and closed by now, perhaps: then its answer is there to be read. */
    if (rsys_send_all(fd, hello, sizeof *hello, timeout_ms) == 0 || errno == EPIPE || errno == ECONNRESET)
        return 0;
    return rsys_error_make(err, errno, "send the hello");
}

/* The answer, and the payload behind it (malloc'd, terminated, reply->size bytes). */
static int receive_answer(int fd, int timeout_ms, struct rsys_hello_reply *reply, void **ret_payload, struct rsys_error **err)
{
    /* The first word alone: what speaks something else may send less than a reply, and then wait. */
    if (rsys_receive_all(fd, reply, sizeof reply->magic, timeout_ms) < 0)
        return receive_failed(timeout_ms, err);
    if (reply->magic != RSYS_WIRE_MAGIC)
        return not_rsys(reply, err);
    if (rsys_receive_all(fd, (char *)reply + sizeof reply->magic, sizeof *reply - sizeof reply->magic, timeout_ms) < 0)
        return receive_failed(timeout_ms, err);
    if (reply->status == RSYS_HELLO_BAD_VERSION || reply->version != RSYS_WIRE_VERSION)
        return other_version(reply->version, err);
    if (reply->size > RSYS_WELCOME_MAX)
        return rsys_error_make(err, EPROTO, "the server's answer has an impossible size (%u bytes)", reply->size);
    RSYS_AUTO_FREE char *payload = calloc(1, (size_t)reply->size + 1);
    if (payload == NULL)
        return rsys_error_make(err, ENOMEM, "receive the server's answer");
    if (rsys_receive_all(fd, payload, reply->size, timeout_ms) < 0)
        return receive_failed(timeout_ms, err);
    *ret_payload = rsys_steal(&payload);
    return 0;
}

int rsys_hello_session(int fd, unsigned resume, int timeout_ms, void **ret_payload, size_t *ret_size, struct rsys_error **err)
{
    const struct rsys_hello hello = {.magic = RSYS_WIRE_MAGIC, .version = RSYS_WIRE_VERSION, .kind = RSYS_HELLO_SESSION, .resume = resume};
    struct rsys_hello_reply reply;
    RSYS_AUTO_FREE void *payload = NULL;
    if (send_hello(fd, &hello, timeout_ms, err) < 0 || receive_answer(fd, timeout_ms, &reply, &payload, err) < 0)
        return -1;
    if (reply.status != RSYS_HELLO_OK)
        return server_said(&reply, payload, err);
    if (reply.size < sizeof(struct rsys_welcome))
        return rsys_error_make(err, EPROTO, "the server's answer has an impossible size (%u bytes)", reply.size);
    *ret_size = reply.size;
    *ret_payload = rsys_steal(&payload);
    return 0;
}

int rsys_hello_tether(int fd, const uint8_t token[RSYS_TOKEN_SIZE], uint32_t flags, int timeout_ms, struct rsys_error **err)
{
    struct rsys_hello hello = {.magic = RSYS_WIRE_MAGIC, .version = RSYS_WIRE_VERSION, .kind = RSYS_HELLO_TETHER, .resume = flags};
    struct rsys_hello_reply reply;
    RSYS_AUTO_FREE void *payload = NULL;
    memcpy(hello.token, token, RSYS_TOKEN_SIZE);
    if (send_hello(fd, &hello, timeout_ms, err) < 0 || receive_answer(fd, timeout_ms, &reply, &payload, err) < 0)
        return -1;
    if (reply.status == RSYS_HELLO_OK)
        return 0;
    server_said(&reply, payload, err);
    return 1;
}

int rsys_hello_channel(int fd, const uint8_t token[RSYS_TOKEN_SIZE], uint32_t flags)
{
    struct rsys_hello hello = {.magic = RSYS_WIRE_MAGIC, .version = RSYS_WIRE_VERSION, .kind = RSYS_HELLO_CHANNEL, .resume = flags};
    memcpy(hello.token, token, RSYS_TOKEN_SIZE);
    return rsys_send_all(fd, &hello, sizeof hello, -1);
}
