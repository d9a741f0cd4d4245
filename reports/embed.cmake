# embed(variable file symbol): appends the definition of `const char symbol[]`, the file's bytes, to the variable.
function(embed variable file symbol)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  if(bytes MATCHES "0x[89a-f]") # a char may be signed: beyond ASCII the compiler would warn
    message(FATAL_ERROR "${file} must be ASCII; write other characters as escapes")
  endif()
  set(${variable} "${${variable}}const char ${symbol}[] = {${bytes}0};\n" PARENT_SCOPE)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${file})
endfunction()
