// The main script lies here, so that the packages of this folder are the application's: node main.mjs NAME plays one of test/otel/programs.
await import(`../../otel/programs/${process.argv[2]}.mjs`);
