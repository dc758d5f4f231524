/* SPDX-License-Identifier: GPL-2.0-only */
/* pass.h: one descriptor over a SOCK_SEQPACKET socket (SCM_RIGHTS, with one byte). */
#ifndef RSYS_SERVER_PASS_H
#define RSYS_SERVER_PASS_H

/* What is passed, told by the byte: */
enum server_pass {
    SERVER_PASS_ANY = 'f',     /* what that socket is for: a channel, the broker's end */
    SERVER_PASS_VIEW = 'v',    /* a channel for the view's executor alone */
    SERVER_PASS_DROP = 'V',    /* the same, and that executor is to be told (to the session process only) */
    SERVER_PASS_TETHER = 't',  /* a tether */
    SERVER_PASS_CONTROL = 'c', /* a tether, and pid 1 is to take another control channel */
};

/* Send fd, which stays the caller's.  flags: MSG_DONTWAIT or 0.  0, or -1 with errno. */
int server_send_fd(int socket, enum server_pass what, int fd, int flags);
/* Receive one, close-on-exec, without waiting.  -1 with errno: EAGAIN, EPIPE at the end of file, EPROTO when the message has none. */
int server_receive_fd(int socket, enum server_pass *ret_what);

#endif
