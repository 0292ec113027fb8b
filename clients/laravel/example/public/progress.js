/** Says how far the plan is, from what the embedded control page hears: once from its snapshot, then at each frame (`plan.progress`). */
const line = document.querySelector('[data-site="progress"]');

function say({ shots_done: done, shots_total: total, by_filter: filters = [] }) {
  const each = filters.map((one) => `${one.filter} ${one.done} of ${one.total}`).join(', ');
  line.textContent = `${done} of ${total} frames${each ? ` (${each})` : ''}`;
}

document.addEventListener('nocturne:snapshot', ({ detail }) => say(detail.progress));
document.addEventListener('nocturne:event', ({ detail }) => {
  if (detail.type === 'plan.progress') say(detail.data);
});
