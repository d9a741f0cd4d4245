/* assets.h: files of this folder that the build puts into the program (see embed.cmake). */
#ifndef REPORTS_ASSETS_H
#define REPORTS_ASSETS_H

extern const char asset_style_css[];
extern const char asset_page_js[];

#endif
