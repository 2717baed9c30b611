/*
 * Loads an addon into a process that is no Node.js: `stub FILE.node` binds all its symbols, those of Node-API to functions that do
 * nothing but say that all is well. For a C library for which no Node.js can be had: it shows that the file loads there, not that it works.
 */
#include <dlfcn.h>
#include <stdio.h>

#define STUB(name) \
  int name(void) { return 0; }
#include "napi-stubs.h"

int main(int count, char **arguments) {
  if (count != 2) return 2;
  void *addon = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (!addon) {
    printf("%s\n", dlerror());
    return 1;
  }
  if (!dlsym(addon, "napi_register_module_v1")) {
    printf("no napi_register_module_v1\n");
    return 1;
  }
  printf("loaded\n");
  return 0;
}
