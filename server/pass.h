/* SPDX-License-Identifier: GPL-2.0-only */
/* pass.h: one descriptor over a SOCK_SEQPACKET socket (SCM_RIGHTS, with one byte). */
#ifndef RSYS_SERVER_PASS_H
#define RSYS_SERVER_PASS_H

/* Send fd, which stays the caller's.  flags: MSG_DONTWAIT or 0.  0, or -1 with errno. */
int server_send_fd(int socket, int fd, int flags);
/* Receive one, close-on-exec, without waiting.  -1 with errno: EAGAIN, EPIPE at the end of file, EPROTO when the message has none. */
int server_receive_fd(int socket);

#endif
