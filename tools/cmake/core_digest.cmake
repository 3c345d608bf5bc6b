# cmake -DSOURCE_DIR=… -DOUT=… -P core_digest.cmake: writes a header with the digest of core/, the
# SHA-256 of what `sha256sum` prints of its .cc, .h and .proto files, ascending by path from the
# root. tests/seeds/seeds_record_test.py counts in the same way.
file(GLOB_RECURSE files RELATIVE ${SOURCE_DIR} ${SOURCE_DIR}/core/*.cc ${SOURCE_DIR}/core/*.h
     ${SOURCE_DIR}/core/*.proto)
list(SORT files)
set(listing "")
foreach(file ${files})
  file(SHA256 ${SOURCE_DIR}/${file} hash)
  string(APPEND listing "${hash}  ${file}\n")
endforeach()
string(SHA256 digest "${listing}")
file(WRITE ${OUT} "#define CHAT_CORE_DIGEST \"${digest}\"\n")
