/** CPU time of synchronous work in ms. The time of the clock grows with whatever else the machine does. */
export function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
