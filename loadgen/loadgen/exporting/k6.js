// A load test of an upload API as a k6 script, made by `loadgen export k6`.
//
//   [AUTH_TOKEN=...] k6 run THIS_FILE
//
// Its setup proves at every address of the target's name that the target honours X-Load-Test; then every answer is
// checked for the marker and the count, and the first violation aborts the test. k6 exits with 0 where every threshold
// holds, 99 where one does not, 107 where it is not begun, and 108 after an abort.
//
// k6 resolves the name once, takes its IPv4 addresses (its IPv6 ones where it has no other), and goes from one to the
// next with each connection. An address that appears later is not used.
import exec from 'k6/execution';
import http from 'k6/http';
import { sleep } from 'k6';
import { Counter, Rate, Trend } from 'k6/metrics';

const TEST = __TEST__;
const MOST_ADDRESSES = 64;

for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy']) {
  if (__ENV[name]) {
    throw new Error(`${name} is set: a proxy would hide which address was verified; unset it for this test`);
  }
}

const responseTime = new Trend('upload_response_time', true);
const failed = new Rate('upload_failed');
const uploadsAccepted = new Counter('uploads_accepted');
const recordsAccepted = new Counter('records_accepted');

export const options = {
  scenarios: TEST.scenarios,
  thresholds: TEST.thresholds,
  maxRedirects: 0,
  dns: { ttl: 'inf', select: 'roundRobin' },
  noVUConnectionReuse: false,
  setupTimeout: '600s',
};

__RECORDS__

function send(rows, run, numbers, moreHeaders) {
  const batch = compose(rows, run, numbers);
  const nonce = randomText(32);
  const headers = Object.assign({}, TEST.headers, moreHeaders, {
    'X-Load-Test': 'true',
    'X-Load-Test-Run': run,
    'X-Load-Test-Nonce': nonce,
  });
  if (__ENV.AUTH_TOKEN) {
    headers.Authorization = `${TEST.authScheme} ${__ENV.AUTH_TOKEN}`;
  }
  const form = Object.assign({}, TEST.formFields);
  form[TEST.fileField] = http.file(batch.text, TEST.fileName.replace('{n}', String(drawn)), TEST.fileType);
  const began = Date.now();
  const answer = http.post(TEST.url, form, { headers, timeout: `${TEST.timeoutSeconds}s`, redirects: 0 });
  const milliseconds = Date.now() - began;
  const seen = neverOpened(answer.error_code)
    ? { outcome: 'rejected', detail: `no connection: ${answer.error}` }
    : judge(answer.status, answer.body, rows, nonce);
  return { ...seen, milliseconds, firstId: batch.firstId, address: answer.remote_ip };
}

// k6's error codes: 11xx name resolution, 121x dialling, 13xx TLS.
function neverOpened(code) {
  return (code >= 1100 && code < 1200) || (code >= 1210 && code < 1220) || (code >= 1300 && code < 1400);
}

// Before any load, by one user: each upload risks no more than the one before it has shown to be safe.
export function setup() {
  const run = randomText(8);
  const addresses = [];
  for (const [name, rows] of TEST.verification) {
    if (name === 'header-only') {
      // Whatever lies behind the name: the first address that comes again ends the round.
      let address = check(name, rows, run);
      while (!addresses.includes(address) && addresses.push(address) < MOST_ADDRESSES && TEST.isNamed) {
        address = check(name, rows, run);
      }
    } else {
      const left = new Set(addresses);
      for (let tries = 0; left.size > 0; tries += 1) {
        if (tries === 3 * addresses.length) {
          exec.test.abort(`refused: ${name}: ${[...left].join(', ')} did not come again, so it cannot be verified`);
        }
        left.delete(check(name, rows, run));
      }
    }
  }
  check('full-batch', TEST.fullRows, run);
  console.log(`verified: ${addresses.join(', ')}`);
  return { run, addresses };
}

// One upload of the verification over a connection of its own; gives the address that answered.
function check(name, rows, run) {
  const seen = send(rows, run, { vu: 0 }, { Connection: 'close' });
  const refusedFile = name === 'header-only' && seen.outcome === 'rejected' && seen.address;
  if (seen.outcome !== 'accepted' && !refusedFile) {
    const where = seen.address ? ` at ${seen.address}` : '';
    const stored = seen.firstId ? `; ${storedRows(rows, seen.firstId, run)}` : '';
    exec.test.abort(`refused: ${name}${where}: ${seen.detail}${stored}`);
  }
  return seen.address;
}

export default function (state) {
  const step = TEST.steps[exec.scenario.name];
  const sinceStart = (Date.now() - exec.scenario.startTime) / 1000;
  const isLast = step.batches !== null && exec.scenario.iterationInTest === step.batches - 1;
  const rows = isLast ? step.lastRows : step.rows;
  const seen = send(rows, state.run, { vu: exec.vu.idInTest }, {});
  if (seen.address && !state.addresses.includes(seen.address)) {
    exec.test.abort(`violation: ${seen.address} was not verified; ${storedRows(rows, seen.firstId, state.run)}`);
  }
  if (seen.outcome === 'violation') {
    exec.test.abort(`violation: ${seen.detail}; ${storedRows(rows, seen.firstId, state.run)}`);
  }
  const tags = { step: exec.scenario.name, judged: sinceStart >= step.warmUpSeconds ? 'yes' : 'no' };
  failed.add(seen.outcome !== 'accepted', tags);
  // An error that comes fast must not improve a percentile.
  if (seen.outcome !== 'rejected') {
    responseTime.add(seen.milliseconds, tags);
  }
  uploadsAccepted.add(seen.outcome === 'accepted' ? 1 : 0, tags);
  recordsAccepted.add(seen.outcome === 'accepted' ? rows : 0, tags);
  if (step.thinkSeconds > 0) {
    sleep(step.thinkSeconds);
  }
}
