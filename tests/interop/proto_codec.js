// A second, small implementation of protobuf: reads the schema from a .proto file and converts
// between canonical JSON objects and the wire format. It shares no code with chatd, so that a
// mistake in one of them shows. Knows what chat.proto uses: messages, oneofs, enums, repeated.
'use strict';

const fs = require('fs');

const VARINT = 0, LENGTH = 2;
const INTEGERS = new Set(['uint32', 'uint64', 'int32', 'int64', 'bool']);
const LONGS = new Set(['uint64', 'int64']);

const camelCase = (name) => name.replace(/_([a-z0-9])/g, (_, c) => c.toUpperCase());

// {messages: {Name: [{name, type, number, repeated}]}, enums: {Name: {VALUE: number}}}
function readSchema(path) {
  const text = fs.readFileSync(path, 'utf8').replace(/\/\/[^\n]*/g, '');
  const tokens = text.match(/"[^"]*"|[\w.]+|[{}=;]/g);
  const schema = {messages: {}, enums: {}};
  let at = 0;

  function fieldOrOneof(fields) {
    if (tokens[at] === 'oneof') {
      at += 3;  // oneof NAME {
      while (tokens[at] !== '}') fieldOrOneof(fields);
      at += 1;
      return;
    }
    const repeated = tokens[at] === 'repeated';
    if (repeated) at += 1;
    const [type, name, , number] = tokens.slice(at, at + 4);
    fields.push({name: camelCase(name), type, number: Number(number), repeated});
    at += 5;  // TYPE NAME = NUMBER ;
  }

  while (at < tokens.length) {
    const word = tokens[at];
    if (word === 'message') {
      const fields = schema.messages[tokens[at + 1]] = [];
      for (at += 3; tokens[at] !== '}';) fieldOrOneof(fields);
      at += 1;
    } else if (word === 'enum') {
      const values = schema.enums[tokens[at + 1]] = {};
      for (at += 3; tokens[at] !== '}'; at += 4) values[tokens[at]] = Number(tokens[at + 2]);
      at += 1;
    } else {
      while (tokens[at] !== ';') at += 1;  // syntax, package
      at += 1;
    }
  }
  return schema;
}

function varint(value) {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes = [];
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

class Reader {
  constructor(buffer) {
    this.buffer = buffer;
    this.at = 0;
  }

  atEnd() {
    return this.at === this.buffer.length;
  }

  varint() {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const [byte] = this.bytes(1);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new Error('a varint of more than 10 bytes');
  }

  bytes(length) {
    if (length > this.buffer.length - this.at) throw new Error('a field reaches beyond the end');
    this.at += length;
    return this.buffer.subarray(this.at - length, this.at);
  }
}

class Codec {
  constructor(schemaPath) {
    this.schema = readSchema(schemaPath);
  }

  encode(type, object) {
    const parts = [];
    for (const field of this.schema.messages[type]) {
      const value = object[field.name];
      if (value === undefined) continue;
      for (const item of field.repeated ? value : [value]) {
        const isNumber = INTEGERS.has(field.type) || field.type in this.schema.enums;
        parts.push(varint(field.number << 3 | (isNumber ? VARINT : LENGTH)));
        if (isNumber) {
          parts.push(varint(this.#number(field.type, item)));
        } else {
          const bytes = this.#bytes(field.type, item);
          parts.push(varint(bytes.length), bytes);
        }
      }
    }
    return Buffer.concat(parts);
  }

  #number(type, value) {
    const values = this.schema.enums[type];
    return values && typeof value === 'string' ? values[value] : value;
  }

  #bytes(type, value) {
    if (type === 'string') return Buffer.from(value, 'utf8');
    if (type === 'bytes') return Buffer.from(value, 'base64');
    return this.encode(type, value);
  }

  decode(type, buffer) {
    const object = {};
    const reader = new Reader(buffer);
    while (!reader.atEnd()) {
      const tag = Number(reader.varint());
      const field = this.schema.messages[type].find((f) => f.number === tag >> 3);
      if ((tag & 7) === VARINT) {
        const value = reader.varint();
        if (field) this.#put(object, field, this.#scalar(field.type, value));
      } else if ((tag & 7) === LENGTH) {
        const bytes = reader.bytes(Number(reader.varint()));
        if (field) this.#putBytes(object, field, bytes);
      } else {
        throw new Error(`${type}: wire type ${tag & 7}, which chat.proto does not use`);
      }
    }
    return object;
  }

  #put(object, field, value) {
    if (field.repeated) (object[field.name] ||= []).push(value);
    else object[field.name] = value;
  }

  #putBytes(object, field, bytes) {
    if (INTEGERS.has(field.type)) {  // A packed repeated field.
      for (const reader = new Reader(bytes); !reader.atEnd();) {
        this.#put(object, field, this.#scalar(field.type, reader.varint()));
      }
      return;
    }
    const value = field.type === 'string' ? bytes.toString('utf8') :
        field.type === 'bytes'            ? bytes.toString('base64') :
                                            this.decode(field.type, bytes);
    this.#put(object, field, value);
  }

  #scalar(type, value) {
    if (type === 'bool') return value !== 0n;
    const values = this.schema.enums[type];
    if (values) return Object.keys(values).find((name) => values[name] === Number(value));
    if (type === 'int64') return BigInt.asIntN(64, value).toString();
    return LONGS.has(type) ? value.toString() : Number(value);
  }
}

module.exports = {Codec};
