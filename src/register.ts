// What `node --import close-wait-guard/register` loads; the one entry point that acts on import.
import './preload/register.js';
