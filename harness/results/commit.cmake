# Writes HEADER with the commit of the checkout SOURCE; touches it only when the commit changed. Run at every build:
#   cmake -DSOURCE=... -DHEADER=... -DGIT=... -P commit.cmake
# A folder that merely lies inside somebody else's checkout is no checkout of this project: hence --show-toplevel.
cmake_minimum_required(VERSION 3.22)
set(commit unknown)
if(GIT)
  set(git ${GIT} --no-optional-locks -C ${SOURCE})
  execute_process(COMMAND ${git} rev-parse --show-toplevel OUTPUT_VARIABLE top ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  execute_process(COMMAND ${git} rev-parse --verify --quiet --short=12 HEAD OUTPUT_VARIABLE head ERROR_QUIET
    RESULT_VARIABLE failed OUTPUT_STRIP_TRAILING_WHITESPACE)
  file(REAL_PATH "${SOURCE}" source)
  if(NOT failed AND head AND top STREQUAL source)
    execute_process(COMMAND ${git} status --porcelain --untracked-files=no OUTPUT_VARIABLE changes ERROR_QUIET)
    set(commit ${head})
    if(changes)
      string(APPEND commit -dirty)
    endif()
  endif()
endif()
file(CONFIGURE OUTPUT ${HEADER} CONTENT "#define IDP_COMMIT \"${commit}\"\n")
