{
  "targets": [{
    "target_name": "close_wait_guard",
    "conditions": [["OS=='linux'", {
      "sources": [
        "native/addon.cc",
        "native/arguments.cc",
        "native/socket_reader.cc",
        "native/half_close_watch.cc",
        "native/fd_table.cc",
        "native/file_stat.cc",
        "native/loaded_copies.cc",
        "native/watch_registry.cc",
        "native/cookie_set.cc",
        "native/kernel_check.cc",
        "native/sock_diag.cc",
        "native/socket_abort.cc",
        "native/write_now.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": [
        "NAPI_VERSION=8",
        "NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS",
        "NODE_ADDON_API_DISABLE_DEPRECATED",
        # A worker thread that is terminated inside a call can throw no more; without this node-addon-api then aborts
        # the whole process.
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"
      ],
      "cflags": ["-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"],
      "cflags_cc": ["-std=c++17", "-fno-exceptions", "-fno-rtti", "-fvisibility-inlines-hidden"]
    }, { "type": "none" }]]
  }]
}
