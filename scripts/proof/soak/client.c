/*
 * Makes connections one after the other, each with two bytes: `x.` is read by the server and answered by its FIN, `L.` is left by the server
 * to leak. The client sends its FIN behind either. Every EVERY-th is a leak. Its addresses take turns, since each has only so many ports.
 *
 *   client PORT CONNECTIONS EVERY
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADDRESSES 200

static void die(const char *what, long connection) {
  fprintf(stderr, "connection %ld: ", connection);
  perror(what);
  exit(1);
}

int main(int count, char **arguments) {
  if (count != 4) return fputs("client: takes PORT CONNECTIONS EVERY\n", stderr), 2;
  const long connections = atol(arguments[2]);
  const long every = atol(arguments[3]);
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((in_port_t)atoi(arguments[1]))};
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (long i = 1; i <= connections; i++) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket", i);
    /* The kernel chooses the port at connect(2), and may choose one that is taken for another server. */
    const int on = 1;
    if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) != 0) die("setsockopt", i);
    struct sockaddr_in own = {.sin_family = AF_INET};
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (uint32_t)(i % ADDRESSES));
    if (bind(fd, (struct sockaddr *)&own, sizeof(own)) != 0) die("bind", i);
    if (connect(fd, (struct sockaddr *)&server, sizeof(server)) != 0) die("connect", i);
    const int leaks = i % every == 0;
    if (send(fd, leaks ? "L." : "x.", 2, MSG_NOSIGNAL) != 2) die("send", i);
    if (shutdown(fd, SHUT_WR) != 0) die("shutdown", i);
    char byte;
    if (!leaks && read(fd, &byte, 1) < 0) die("read", i);
    close(fd);
  }
  return 0;
}
