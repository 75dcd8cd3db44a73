// What Artillery's own steps cannot do: the form's body, and the look at the answer.
const fs = require('fs');

const ROWS = Number(process.env.ROWS);
const BOUNDARY = 'benchmark';
const HEAD =
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="clients.csv"\r\n` +
  'Content-Type: text/csv\r\n\r\n';
const TAIL = `\r\n--${BOUNDARY}--\r\n`;
const PREFIX = `${Date.now().toString(16)}000000000000`.slice(0, 12).toUpperCase();
const LOWER = PREFIX.toLowerCase();

const prepared = process.env.BODY ? fs.readFileSync(process.env.BODY) : null;
const pool = process.env.POOL ? JSON.parse(fs.readFileSync(process.env.POOL, 'utf8')) : null;
let drawn = 0;

function compose() {
  let text = HEAD + pool.header;
  for (let row = 0; row < ROWS; row += 1) {
    drawn += 1;
    const code = String(drawn).padStart(8, '0');
    const parts = pool.rows[drawn % pool.rows.length];
    text += parts[0] + PREFIX + code + parts[1] + LOWER + code + parts[2];
  }
  return Buffer.from(text + TAIL);
}

function fill(request, context, events, next) {
  request.body = prepared || compose();
  request.headers = { 'X-Load-Test': 'true', 'Content-Type': `multipart/form-data; boundary=${BOUNDARY}` };
  next();
}

function judge(request, response, context, events, next) {
  const said = response.statusCode === 200 ? JSON.parse(response.body) : {};
  const honoured = said.load_test_mode === true && said.processed_count === ROWS;
  next(honoured ? undefined : new Error(`answered ${response.statusCode}`));
}

module.exports = { fill, judge };
