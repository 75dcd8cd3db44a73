// A load test of an upload API as a k6 script, made by `loadgen export k6`.
//
//   [AUTH_TOKEN=...] k6 run THIS_FILE
//
// Its setup proves that the target honours X-Load-Test; then every answer is checked for the marker and the count, and
// the first violation aborts the test. k6 exits with 0 where every threshold holds, 99 where one does not, and 108
// after an abort.
import exec from 'k6/execution';
import http from 'k6/http';
import { sleep } from 'k6';
import { Counter, Rate, Trend } from 'k6/metrics';

const TEST = __TEST__;

const responseTime = new Trend('upload_response_time', true);
const failed = new Rate('upload_failed');
const uploadsAccepted = new Counter('uploads_accepted');
const recordsAccepted = new Counter('records_accepted');

export const options = {
  scenarios: TEST.scenarios,
  thresholds: TEST.thresholds,
  maxRedirects: 0,
  noVUConnectionReuse: false,
  setupTimeout: '600s',
};

__RECORDS__

function send(rows, run, numbers) {
  const batch = compose(rows, run, numbers);
  const nonce = randomText(32);
  const headers = Object.assign({}, TEST.headers, {
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
  return { ...seen, milliseconds, firstId: batch.firstId };
}

// k6's error codes: 11xx name resolution, 121x dialling, 13xx TLS.
function neverOpened(code) {
  return (code >= 1100 && code < 1200) || (code >= 1210 && code < 1220) || (code >= 1300 && code < 1400);
}

// Before any load, by one user: each upload risks no more than the one before it has shown to be safe.
export function setup() {
  const run = randomText(8);
  const numbers = { vu: 0 };
  for (const [name, rows] of TEST.verification) {
    const seen = send(rows, run, numbers);
    const refusedFile = name === 'header-only' && seen.outcome === 'rejected';
    if (seen.outcome !== 'accepted' && !refusedFile) {
      exec.test.abort(`refused: ${name} (first client_id ${seen.firstId || 'none'}): ${seen.detail}`);
    }
  }
  return { run };
}

export default function (state) {
  const step = TEST.steps[exec.scenario.name];
  const sinceStart = (Date.now() - exec.scenario.startTime) / 1000;
  const isLast = step.batches !== null && exec.scenario.iterationInTest === step.batches - 1;
  const rows = isLast ? step.lastRows : step.rows;
  const seen = send(rows, state.run, { vu: exec.vu.idInTest });
  if (seen.outcome === 'violation') {
    exec.test.abort(`violation: ${seen.detail}; these ${rows} rows may be stored, the first is ${seen.firstId}`);
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
