/** How often a process looks at its event loop: at prom-client's own 10 ms the look alone is half of what an idle api costs. */
export const LAG_SEEN_EVERY_MS = 100;
