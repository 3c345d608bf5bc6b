// A device on the npm package `ws` that speaks chat.v1.proto, steered line by line.
// usage: node ws_client.js URL CHAT_PROTO
// stdin:  {"frame": ClientFrame} | {"raw": base64} | {"text": "…"} | {"close": code} | {"abort": 1}
// stdout: {"open": subprotocol} | {"frame": ServerFrame} | {"closed": code} | {"error": "…"}
'use strict';

const readline = require('readline');
const WebSocket = require('ws');
const {Codec} = require('./proto_codec.js');

const [url, schemaPath] = process.argv.slice(2);
const codec = new Codec(schemaPath);
const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');

const socket = new WebSocket(url, ['chat.v1.proto']);
socket.on('open', () => say({open: socket.protocol}));
socket.on('message', (data, isBinary) => {
  if (!isBinary) return say({error: 'a text message in chat.v1.proto'});
  for (const frame of codec.decode('ServerBatch', data).frames ?? []) say({frame});
});
socket.on('error', (error) => say({error: error.message}));
socket.on('close', (code) => {
  say({closed: code});
  process.exit(0);
});

readline.createInterface({input: process.stdin})
    .on('line', (line) => {
      const command = JSON.parse(line);
      if (command.frame) socket.send(codec.encode('ClientBatch', {frames: [command.frame]}));
      else if (command.raw !== undefined) socket.send(Buffer.from(command.raw, 'base64'));
      else if (command.text !== undefined) socket.send(command.text);
      else if (command.close) socket.close(command.close);
      else socket.terminate();
    })
    .on('close', () => socket.terminate());
