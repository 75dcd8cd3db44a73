// k6: a prepared form (BODY) or rows of a pool with unique ids (POOL); ROWS are in a batch. OPTIONS may be its options.
import http from 'k6/http';
import exec from 'k6/execution';
import { check } from 'k6';

const ROWS = Number(__ENV.ROWS);
const BOUNDARY = 'benchmark';
const HEAD =
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="clients.csv"\r\n` +
  'Content-Type: text/csv\r\n\r\n';
const TAIL = `\r\n--${BOUNDARY}--\r\n`;
const PARAMETERS = { headers: { 'X-Load-Test': 'true', 'Content-Type': `multipart/form-data; boundary=${BOUNDARY}` } };

const prepared = __ENV.BODY ? open(__ENV.BODY, 'b') : null;
const pool = __ENV.POOL ? JSON.parse(open(__ENV.POOL)) : null;
let drawn = 0;

export const options = __ENV.OPTIONS ? JSON.parse(__ENV.OPTIONS) : { vus: Number(__ENV.VUS), duration: '1h' };

function compose(prefix) {
  const lower = prefix.toLowerCase();
  const lines = new Array(ROWS);
  for (let row = 0; row < ROWS; row += 1) {
    drawn += 1;
    const code = String(drawn).padStart(8, '0');
    const parts = pool.rows[drawn % pool.rows.length];
    lines[row] = parts[0] + prefix + code + parts[1] + lower + code + parts[2];
  }
  return HEAD + pool.header + lines.join('') + TAIL;
}

export default function upload() {
  const body = prepared || compose(`BENCHMARK${String(exec.vu.idInTest).padStart(3, '0')}`);
  const response = http.post(__ENV.URL, body, PARAMETERS);
  check(response, {
    honoured: (answer) => {
      const said = answer.status === 200 ? answer.json() : {};
      return said.load_test_mode === true && said.processed_count === ROWS;
    },
  });
}
