import { tourist } from './tour-printer.js';

const base = process.env.TOUR_URL ?? `http://localhost:${process.env.PORT ?? 3000}`;
const { title, heading, note, get, send, crowd, peek } = tourist(base);
const staff = { name: 'staff', token: process.env.STAFF_TOKEN ?? 'demo-staff' };
const alice = { name: 'alice', token: 'demo-alice' };
const bob = { name: 'bob', token: 'demo-bob' };

/** `npm run tour`: walks through the running backend and prints what came from where. */
async function tour(): Promise<void> {
  const { policy } = JSON.parse(await peek('GET', '/healthz')) as { policy: { cache: string } };
  const fromScript = { 'X-Requested-With': 'tour' }; // what a form of a foreign page could not send
  await peek('POST', '/admin/cache/flush', { as: staff, json: {}, headers: fromScript }); // every tour begins cold
  title(`The backend at ${base}; its cache: ${policy.cache}`);

  heading('One film: the first reader waits for the database, the others do not');
  const { etag, body: film } = await get('/api/movies/1');
  await get('/api/movies/1');
  await send('HEAD', '/api/movies/1');
  await get('/api/movies/1', { headers: { 'If-None-Match': etag } });
  note('304: the browser has these bytes already');

  heading('Lists: every page has its own entry; tracking parameters do not make another one');
  await get('/api/movies?genre=Drama&sort=rating');
  await get('/api/movies?sort=rating&genre=Drama&utm_source=mail');
  await get('/api/movies?search=moon');
  await get('/api/movies?search=moon');
  await get('/api/genres');

  heading('An expensive report, asked for by 50 readers at once');
  await crowd(50, '/api/stats');
  await get('/api/stats');

  heading("Each user's own answers are kept apart");
  await get('/api/me/preferences', { as: alice });
  await get('/api/me/preferences', { as: alice });
  await get('/api/me/preferences', { as: bob });
  await send('PUT', '/api/me/preferences', { as: alice, json: { theme: 'dark' } });
  await get('/api/me/preferences', { as: alice });
  await get('/api/me/preferences', { as: bob });
  note("Alice's change ended Alice's entry, not Bob's");
  await get('/api/me/history', { as: alice });
  note('never kept');

  heading('A rating ends what it changes: the film, the popular films, the statistics');
  await get('/api/movies/popular');
  await send('POST', '/api/movies/1/ratings', { as: alice, json: { score: 8 } });
  await get('/api/movies/1');
  await get('/api/movies/popular');
  await get('/api/movies?search=moon');
  note('lists do not show ratings, so they stay');

  heading('A new title: the film, the lists and the statistics');
  await send('PUT', '/api/movies/1', { as: staff, json: { title: 'The Land Girls (restored)' } });
  await get('/api/movies/1');
  await get('/api/movies?search=moon');
  await get('/api/genres');
  note('no film moved between genres, so this stays');
  await peek('PUT', '/api/movies/1', { as: staff, json: { title: titleOf(film) } });

  heading('Mistakes are named and never kept');
  await get('/api/movies?page=zero');
  await get('/api/movies/99999');
}

function titleOf(film: string): string {
  return (JSON.parse(film) as { title: string }).title;
}

process.stdout.on('error', () => process.exit(0)); // `npm run tour | head` has seen enough

try {
  await tour();
} catch (error) {
  const refused = error instanceof TypeError && error.message === 'fetch failed';
  console.error(refused ? `Nothing answers at ${base}. Start the backend first: npm start` : error);
  process.exitCode = 1;
}
