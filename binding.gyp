{
  "targets": [{
    "target_name": "close_wait_guard",
    "conditions": [["OS=='linux'", {
      "sources": [
        "native/addon.cc",
        "native/address_methods.cc",
        "native/arguments.cc",
        "native/cookie_set.cc",
        "native/process_methods.cc",
        "native/socket_methods.cc",
        "native/watch_class.cc",
        "native/watch_registry.cc",
        "native/linux/dump_message.cc",
        "native/linux/endpoints.cc",
        "native/linux/fd_table.cc",
        "native/linux/file_stat.cc",
        "native/linux/half_close_watch.cc",
        "native/linux/kernel_check.cc",
        "native/linux/loaded_copies.cc",
        "native/linux/sock_diag.cc",
        "native/linux/socket_abort.cc",
        "native/linux/socket_reader.cc",
        "native/linux/tcp_info.cc",
        "native/linux/write_now.cc"
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
