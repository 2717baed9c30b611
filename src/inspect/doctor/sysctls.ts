import { loadBinding } from '../../kernel/loader.js';
import { listenOverflows } from '../../kernel/netstat.js';
import { duration, grouped } from '../../leaks/phrases.js';
import { note, ok, problem, type Finding } from './finding.js';
import { procNumbers, procText } from './system-files.js';

/** Node's default backlog. */
const BACKLOG = 511;
const FEW_PORTS = 10_000;

/** The settings of this network namespace that decide what becomes of a leaked socket. */
export function sysctlFindings(): Finding[] {
  return [...closing(), ...keepAlive(), ...accepting(), ...ports(), ...memory()];
}

function closing(): Finding[] {
  const [seconds] = procNumbers('sys/net/ipv4/tcp_fin_timeout');
  if (seconds === undefined) return [];
  const text = `net.ipv4.tcp_fin_timeout is ${seconds} s: then the other end of a leak is dropped`;
  return [ok('tcp_fin_timeout', `${text}. No setting of the kernel ends CLOSE_WAIT`)];
}

function keepAlive(): Finding[] {
  const [time] = procNumbers('sys/net/ipv4/tcp_keepalive_time');
  const [interval] = procNumbers('sys/net/ipv4/tcp_keepalive_intvl');
  const [probes] = procNumbers('sys/net/ipv4/tcp_keepalive_probes');
  if (time === undefined || interval === undefined || probes === undefined) return [];
  const total = duration((time + interval * probes) * 1_000);
  const text = `a peer that vanished is noticed after ${total} (net.ipv4.tcp_keepalive_time ${time} s, then ${probes} probes, one in ${interval} s)`;
  const advice =
    'it counts for sockets with SO_KEEPALIVE alone: socket.setKeepAlive(true, ms) sets both for one, and has its own time';
  return [time >= 7_200 ? note('tcp_keepalive', text, advice) : ok('tcp_keepalive', text)];
}

function accepting(): Finding[] {
  const findings: Finding[] = [];
  const [somaxconn] = procNumbers('sys/net/core/somaxconn');
  if (somaxconn !== undefined) {
    const text = `net.core.somaxconn is ${grouped(somaxconn)}: no accept queue is longer`;
    findings.push(
      somaxconn < BACKLOG
        ? note('somaxconn', text, `Node.js asks for ${BACKLOG}; raise it where clients come in bursts`)
        : ok('somaxconn', text),
    );
  }
  const { binding } = loadBinding();
  const overflows = binding && listenOverflows(binding);
  if (overflows !== undefined && overflows > 0) {
    findings.push(
      note(
        'accept-queue',
        `${grouped(overflows)} connections were refused because an accept queue was full, since this network namespace exists`,
        'a process did not accept for a while: close-wait-guard inspect PID shows the queues of its listeners',
      ),
    );
  }
  return findings;
}

function ports(): Finding[] {
  const [first, last] = procNumbers('sys/net/ipv4/ip_local_port_range');
  if (first === undefined || last === undefined) return [];
  const count = last - first + 1;
  const text = `${grouped(count)} ports for outgoing connections (net.ipv4.ip_local_port_range ${first} to ${last})`;
  const advice = 'a leak of outgoing connections to one address uses them up; widen the range';
  return [count < FEW_PORTS ? note('ports', text, advice) : ok('ports', text)];
}

/** tcp_mem and sockstat, in pages; see tcp(7). */
function memory(): Finding[] {
  const [, pressure, most] = procNumbers('sys/net/ipv4/tcp_mem');
  const used = Number(/^TCP:.*\bmem (\d+)/m.exec(procText('net/sockstat') ?? '')?.[1] ?? Number.NaN);
  if (pressure === undefined || most === undefined || Number.isNaN(used) || used < pressure) return [];
  return [
    problem(
      'tcp_mem',
      `TCP uses ${grouped(used)} pages of memory, and saves from ${grouped(pressure)} on (at most ${grouped(most)})`,
      'leaked sockets keep what they have not read: close-wait-guard inspect PID shows how much',
    ),
  ];
}
