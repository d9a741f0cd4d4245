# idp_faults: the program once more, in which its own calls of these can be made to fail (faults.c). A link of our own
# objects alone comes first, so that the libraries, some of which are static, keep the real ones.
set(wrapped json_set_alloc_funcs malloc calloc realloc aligned_alloc strdup realpath fopen fdopen tmpfile opendir mkdtemp mkdir
  rename fwrite fputs fputc putc fflush puts putchar fprintf printf fsync write close fclose pipe fork
  posix_spawn_file_actions_init posix_spawn_file_actions_adddup2 posix_spawn_file_actions_addopen posix_spawnattr_init
  posix_spawn posix_spawnp pthread_create)
if(NOT IDP_SANITIZE) # AddressSanitizer's operator new ends the program where others throw
  list(APPEND wrapped _Znwm)
endif()
list(TRANSFORM wrapped PREPEND --wrap=)
add_library(faults_main OBJECT ${PROJECT_SOURCE_DIR}/harness/main.c)
target_link_libraries(faults_main PRIVATE idp_flags idp_harness)
target_compile_definitions(faults_main PRIVATE IDP_VERSION="${PROJECT_VERSION}")
set(ours idp_harness libidp idp_reference idp_reports)
list(TRANSFORM ours REPLACE "(.+)" "$<TARGET_FILE:\\1>" OUTPUT_VARIABLE archives)
set(object ${CMAKE_CURRENT_BINARY_DIR}/faults_ours.o)
add_custom_command(OUTPUT ${object} VERBATIM COMMAND_EXPAND_LISTS DEPENDS faults_main ${ours}
  COMMAND ${CMAKE_LINKER} -r -o ${object} ${wrapped} $<TARGET_OBJECTS:faults_main> --whole-archive ${archives})
add_executable(idp_faults faults.c ${object})
target_link_libraries(idp_faults PRIVATE idp_flags idp_harness)

# A sample of its points, also with the sanitizers, which see more of what goes wrong; with one compiler.
if(CMAKE_C_COMPILER_ID STREQUAL GNU)
  add_test(NAME faults COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/faults --seconds 12 $<TARGET_FILE:idp_faults>)
endif()
