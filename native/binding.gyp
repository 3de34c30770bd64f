{
  'targets': [
    {
      'target_name': 'node_drbd',
      'sources': [
        'addon.cc',
        'block-device.cc',
        'file-lock.cc',
        'helper.cc',
        'inbox.cc',
        'questions.cc',
        'receiver.cc',
        'sender.cc',
        'socket.cc',
      ],
      'include_dirs': ['<!(node -p "path.resolve(require(\'node-addon-api\').include_dir)")'],
      'defines': ['NAPI_VERSION=8', 'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS', 'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS', '_FILE_OFFSET_BITS=64'],
      'cflags': ['-Wall', '-Wextra', '-fvisibility=hidden', '-fno-exceptions'],
      'cflags_cc': ['-std=c++17', '-fvisibility-inlines-hidden', '-fno-rtti'],
      'cflags_cc!': ['-std=gnu++17', '-std=gnu++20'],
      # A sender thread that is stuck in the kernel comes back to this code, however late.
      'ldflags': ['-Wl,-z,nodelete', '-Wl,-z,now'],
    },
  ],
}
