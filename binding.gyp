# The addon's targets are in native/binding.gyp, which the package carries. This file is for the checkout alone: with one in
# its root, installers of the package would run node-gyp.
{
  "includes": ["native/binding.gyp"]
}
