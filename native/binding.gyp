{
  "targets": [{
    "target_name": "close_wait_guard",
    "conditions": [["OS=='linux'", {
      "sources": [
        "addon.cc",
        "address_methods.cc",
        "arguments.cc",
        "cookie_set.cc",
        "inspect_methods.cc",
        "process_methods.cc",
        "socket_methods.cc",
        "watch_class.cc",
        "watch_registry.cc",
        "linux/borrowed_socket.cc",
        "linux/dump_message.cc",
        "linux/endpoints.cc",
        "linux/fd_table.cc",
        "linux/file_stat.cc",
        "linux/half_close_watch.cc",
        "linux/inode_index.cc",
        "linux/kernel_check.cc",
        "linux/loaded_copies.cc",
        "linux/net_namespace.cc",
        "linux/netstat.cc",
        "linux/process_fds.cc",
        "linux/sock_diag.cc",
        "linux/socket_abort.cc",
        "linux/socket_reader.cc",
        "linux/tcp_info.cc",
        "linux/write_now.cc"
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
