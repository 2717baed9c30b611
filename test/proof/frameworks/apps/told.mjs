/** Tells as the preload does. */
export const told = {
  scope: 'watched',
  closeWaitTimeout: Number(process.env.CLOSE_WAIT_GUARD_TIMEOUT_MS),
  sampleInterval: Number(process.env.CLOSE_WAIT_GUARD_INTERVAL_MS),
  onLeak: (leak) => console.log(JSON.stringify({ event: 'leak', leak })),
};
