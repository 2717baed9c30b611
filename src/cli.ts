#!/usr/bin/env node
// The command `close-wait-guard`; package.json calls it by its `bin`.
import './inspect/main.js';
