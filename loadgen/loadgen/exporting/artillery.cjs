// The processor of an Artillery test of an upload API, made by `loadgen export artillery`.
//
//   [AUTH_TOKEN=...] artillery run FILE.yml
//
// Before the test it proves at every address of the target's name that the target honours X-Load-Test; then every answer
// is checked for the marker and the count, and the first violation ends the test. Only the addresses that were verified
// are used, in turn; one that refused the connection is left out, and one that appears later too. Artillery exits with 0 where every condition holds, 1 where one does
// not, 3 where the target was refused, and 143 after a violation.
'use strict';

const dns = require('node:dns');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');

const TEST = __TEST__;

__RECORDS__

const inFlight = new Set();

// Sent by hand, since the HTTP engine ends a virtual user at its first connection error.
function send(rows, run, numbers, address) {
  const batch = compose(rows, run, numbers);
  const nonce = randomText(32);
  const boundary = `loadgen-${randomText(32)}`;
  const body = form(batch.text, boundary);
  const headers = {
    ...TEST.headers,
    'X-Load-Test': 'true',
    'X-Load-Test-Run': run,
    'X-Load-Test-Nonce': nonce,
    'Content-Type': `multipart/form-data; boundary=${boundary}`,
    'Content-Length': body.length,
  };
  if (process.env.AUTH_TOKEN) {
    headers.Authorization = `${TEST.authScheme} ${process.env.AUTH_TOKEN}`;
  }
  return new Promise((resolve) => {
    let connected = false;
    let overdue = null;
    const finish = (seen) => {
      clearTimeout(overdue);
      inFlight.delete(request);
      resolve({ ...seen, firstId: batch.firstId });
    };
    const lost = (error) =>
      finish({ outcome: connected ? 'unknown' : 'rejected', detail: `no complete answer: ${error.message}`, connected });
    const client = TEST.url.startsWith('https:') ? https : http;
    const lookup = (_name, { all }, found) =>
      all ? found(null, [{ address, family: net.isIP(address) }]) : found(null, address, net.isIP(address));
    const request = client.request(TEST.url, { method: 'POST', headers, agent: false, lookup }, (answer) => {
      const pieces = [];
      answer.on('data', (piece) => pieces.push(piece));
      answer.on('error', lost);
      answer.on('aborted', () => lost(new Error('the answer was cut')));
      answer.on('end', () => finish(judge(answer.statusCode, Buffer.concat(pieces).toString('utf8'), rows, nonce)));
    });
    request.on('socket', (socket) => {
      socket.once(client === https ? 'secureConnect' : 'connect', () => {
        connected = true;
      });
    });
    request.on('error', lost);
    overdue = setTimeout(() => request.destroy(new Error('time-out')), TEST.timeoutSeconds * 1000);
    inFlight.add(request);
    request.end(body);
  });
}

function form(text, boundary) {
  const parts = Object.entries(TEST.formFields).map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const fileName = TEST.fileName.replace('{n}', String(drawn));
  parts.push(
    `--${boundary}\r\nContent-Disposition: form-data; name="${TEST.fileField}"; filename="${fileName}"\r\n` +
      `Content-Type: ${TEST.fileType}\r\n\r\n`,
  );
  return Buffer.from(`${parts.join('')}${text}\r\n--${boundary}--\r\n`, 'utf8');
}

// Once, before any load: each upload risks no more than the one before it has shown to be safe.
async function verify(context) {
  const run = randomText(8);
  const addresses = [];
  const closed = [];
  for (const address of await addressesOf(new URL(TEST.url).hostname)) {
    const isOpen = await verifyAddress(address, run);
    (isOpen ? addresses : closed).push(address);
  }
  if (addresses.length === 0) refuse(`no connection to ${closed.join(', ')}`);
  await check('full-batch', TEST.fullRows, run, addresses[0]);
  console.log(`verified: ${addresses.join(', ')}`);
  context.vars.run = run;
  context.vars.addresses = addresses;
  // Threads share no variable, so what they must agree on is a folder: the users' numbers, and the halt.
  context.vars.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'loadtest-'));
  context.vars.startAt = Date.now() + 3000;
}

async function addressesOf(host) {
  const literal = host.replace(/^\[|\]$/g, '');
  if (net.isIP(literal)) return [literal];
  try {
    return (await dns.promises.lookup(host, { all: true })).map(({ address }) => address);
  } catch (error) {
    return refuse(error.message);
  }
}

// False where the address refuses the connection: a name often has one that nobody listens on, such as ::1.
async function verifyAddress(address, run) {
  for (const [name, rows] of TEST.verification) {
    const seen = await check(name, rows, run, address);
    if (seen.connected === false) return false;
  }
  return true;
}

async function check(name, rows, run, address) {
  const seen = await send(rows, run, { vu: 0 }, address);
  const refusedFile = name === 'header-only' && seen.outcome === 'rejected';
  if (seen.outcome !== 'accepted' && !refusedFile) {
    const stored = seen.firstId ? `; ${storedRows(rows, seen.firstId, run)}` : '';
    refuse(`${name} at ${address}: ${seen.detail}${stored}`);
  }
  return seen;
}

function refuse(why) {
  console.error(`refused: ${why}`);
  process.exit(3);
}

async function cleanUp(context) {
  fs.rmSync(context.vars.folder, { recursive: true, force: true });
}

// Each number once, over all threads; the first free one, so that all below one's last are taken.
const lastClaimed = {};

function claimNumber(folder, kind) {
  for (let number = (lastClaimed[kind] ?? -1) + 1; ; number += 1) {
    try {
      fs.mkdirSync(path.join(folder, `${kind}-${number}`));
      lastClaimed[kind] = number;
      return number;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
  }
}

const halted = (folder) => !fs.existsSync(folder) || fs.existsSync(path.join(folder, 'halted'));

function halt(folder, message) {
  fs.writeFileSync(path.join(folder, 'halted'), message);
  console.error(`violation: ${message}`);
  process.kill(process.pid, 'SIGTERM');
}

const until = (instant) => new Promise((resolve) => setTimeout(resolve, Math.max(0, instant - Date.now())));

// What a user does next: when, and with how many rows; null where its window or the load is over.
function nextUpload(name, step, folder, startAt, endAt) {
  if (Date.now() >= endAt) return null;
  if (step.batches !== null) {
    const number = claimNumber(folder, `batch-${name}`);
    if (number >= step.batches) return null;
    return { dueAt: Date.now(), rows: number === step.batches - 1 ? step.lastRows : step.rows };
  }
  if (step.rates !== null) {
    const number = claimNumber(folder, `arrival-${name}`);
    if (number >= step.arrivals) return null;
    return { dueAt: startAt + (step.beginSeconds + dueSeconds(step.rates, number)) * 1000, rows: step.rows };
  }
  return { dueAt: Date.now(), rows: step.rows };
}

// When arrival number k of a linearly changing rate is due: where the integral of the rate reaches k.
function dueSeconds(rates, number) {
  let begin = 0;
  let left = number;
  for (const [duration, first, last] of rates) {
    const arrivals = (duration * (first + last)) / 2;
    if (left < arrivals) {
      const slope = (last - first) / duration;
      if (slope === 0) return begin + left / first;
      return begin + (Math.sqrt(first * first + 2 * slope * left) - first) / slope;
    }
    left -= arrivals;
    begin += duration;
  }
  return begin;
}

// One virtual user: it uploads, waits for the answer, and uploads again while its windows are open.
async function beUser(context, events) {
  const { addresses, folder, run, startAt } = context.vars;
  const number = claimNumber(folder, 'user');
  let turn = number;
  const watch = setInterval(() => {
    if (halted(folder)) inFlight.forEach((request) => request.destroy(new Error('halted')));
  }, 200);
  try {
    for (const [name, beginSeconds, endSeconds] of TEST.windows[number] || []) {
      const step = TEST.steps[name];
      const endAt = startAt + endSeconds * 1000;
      await until(startAt + beginSeconds * 1000);
      for (let next = nextUpload(name, step, folder, startAt, endAt); next !== null && !halted(folder); ) {
        await until(next.dueAt);
        const judged = next.dueAt >= startAt + (step.beginSeconds + step.warmUpSeconds) * 1000;
        const late = Date.now() - next.dueAt > step.maxLatenessSeconds * 1000;
        const seen = late ? { outcome: 'dropped' } : await send(next.rows, run, { vu: number + 1 }, addresses[turn++ % addresses.length]);
        if (seen.outcome === 'violation') {
          halt(folder, `${seen.detail}; ${storedRows(next.rows, seen.firstId, run)}`);
          return;
        }
        if (judged) count(events, name, seen, Date.now() - next.dueAt, next.rows);
        await until(Date.now() + step.thinkSeconds * 1000);
        next = nextUpload(name, step, folder, startAt, endAt);
      }
    }
  } finally {
    clearInterval(watch);
  }
}

function count(events, name, seen, milliseconds, rows) {
  const accepted = seen.outcome === 'accepted';
  events.emit('counter', `uploads.${name}`, 1);
  events.emit('counter', `upload_failed.${name}`, accepted ? 0 : 1);
  events.emit('counter', `uploads_accepted.${name}`, accepted ? 1 : 0);
  events.emit('counter', `records_accepted.${name}`, accepted ? rows : 0);
  // An error that comes fast must not improve a percentile.
  if (seen.outcome !== 'rejected') events.emit('histogram', `upload_response_time.${name}`, milliseconds);
}

module.exports = { verify, cleanUp, beUser };
