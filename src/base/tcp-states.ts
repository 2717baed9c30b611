/**
 * TCP states as Linux numbers them (include/net/tcp_states.h). Other systems number them otherwise (macOS has CLOSE_WAIT
 * at 5, Windows at 7), so no other file may hold a bare number.
 */
export const TcpState = Object.freeze({
  UNKNOWN: 0,
  ESTABLISHED: 1,
  SYN_SENT: 2,
  SYN_RECV: 3,
  FIN_WAIT1: 4,
  FIN_WAIT2: 5,
  TIME_WAIT: 6,
  CLOSE: 7,
  CLOSE_WAIT: 8,
  LAST_ACK: 9,
  LISTEN: 10,
  CLOSING: 11,
} as const);

export type TcpStateName = keyof typeof TcpState;

const names = new Map<number, TcpStateName>(
  (Object.entries(TcpState) as [TcpStateName, number][]).map(([name, value]) => [value, name]),
);

/** The state's name; a number this table does not have (a new kernel's) is `UNKNOWN`, never an error. */
export function tcpStateName(state: number): TcpStateName {
  return names.get(state) ?? 'UNKNOWN';
}

/** The bit of a state in a sock_diag state mask (`idiag_states`). */
export function stateBit(state: number): number {
  return 1 << state;
}

/** The peer has not ended its sending, as far as this end knows; in the last two, this end has ended its own (RFC 9293, 3.3.2). */
export function hasReceiveSideOpen(state: number): boolean {
  return state === TcpState.ESTABLISHED || state === TcpState.FIN_WAIT1 || state === TcpState.FIN_WAIT2;
}
