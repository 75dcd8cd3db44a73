// Unique over virtual users and runs: the run's tag, the virtual user's number, and a counter of its own.
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
// North American Numbering Plan: an exchange is 2XX to 9XX, never N11.
const EXCHANGES = Array.from({ length: 800 }, (_, index) => 200 + index).filter((exchange) => exchange % 100 !== 11);
let drawn = 0;

function base32(number, length) {
  let text = '';
  for (let rest = number; text.length < length; rest = Math.floor(rest / 32)) {
    text = ALPHABET[rest % 32] + text;
  }
  return text;
}

function randomText(length) {
  let text = '';
  while (text.length < length) {
    text += ALPHABET[Math.floor(Math.random() * 32)];
  }
  return text;
}

// A row is a list of texts, and between each two of them the kind of the unique field that stands there.
const FILL = {
  id: (code) => code,
  id_lower: (code) => code.toLowerCase(),
  phone: () => `${EXCHANGES[Math.floor(drawn / 10000) % EXCHANGES.length]}-${String(drawn % 10000).padStart(4, '0')}`,
};

function compose(rows, run, numbers) {
  const lines = [TEST.header];
  let firstId = null;
  for (let row = 0; row < rows; row += 1) {
    drawn += 1;
    const code = run + base32(numbers.vu, 3) + base32(drawn, 9);
    firstId = firstId || code;
    const parts = TEST.rows[drawn % TEST.rows.length];
    let line = parts[0];
    for (let at = 1; at < parts.length; at += 2) {
      line += FILL[parts[at]](code) + parts[at + 1];
    }
    lines.push(line);
  }
  return { text: lines.join(''), firstId };
}

// Which rows may have to be removed from the target, and what finds all of the run: the ids of an upload are no range.
function storedRows(rows, firstId, run) {
  const first = rows === 1 ? 'a row may be stored,' : `these ${rows} rows may be stored, the first`;
  return `${first} with ${TEST.idColumn} ${firstId}; remove what was stored: ${TEST.idColumn} begins with ${run} in every row of this run`;
}

function at(document, path) {
  return path.split('.').reduce((value, key) => (value === null || value === undefined ? undefined : value[key]), document);
}

// The four outcomes of an upload; status 0 means that no complete answer came.
function judge(status, body, rows, nonce) {
  if (!status) {
    return { outcome: 'unknown', detail: 'no complete answer' };
  }
  const said = `answered ${status}: ${String(body || '').substring(0, 200)}`;
  if (status >= 300 && status < 400) {
    return { outcome: 'violation', detail: `redirected (${status})` };
  }
  if (status < 200 || status >= 300) {
    return { outcome: 'rejected', detail: said };
  }
  let document = null;
  try {
    document = JSON.parse(body);
  } catch (error) {
    document = null;
  }
  if (document === null || typeof document !== 'object' || at(document, TEST.markerPath) !== true) {
    return { outcome: 'violation', detail: `${said} (${TEST.markerPath} is not true)` };
  }
  if (TEST.mustEcho && at(document, TEST.noncePath) !== nonce) {
    return { outcome: 'violation', detail: `${said} (${TEST.noncePath} is not X-Load-Test-Nonce)` };
  }
  if (document.success === false) {
    return { outcome: 'rejected', detail: said };
  }
  if (at(document, TEST.countPath) !== rows) {
    return { outcome: 'rejected', detail: `${said} (${rows} rows were sent)` };
  }
  return { outcome: 'accepted', detail: said };
}
