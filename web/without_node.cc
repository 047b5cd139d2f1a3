// In place of the page where the build had no Node: one document that says how to get it.
#include <array>

#include "http/page_assets.h"

namespace sluice::http {
namespace {

constexpr std::string_view document = R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>sluice</title>
<h1>This server was built without its page</h1>
<p>Everything else works: <code>sluice put</code>, <code>sluice get</code>, curl, and every client of tus.
<p>To have the page, install Node 18 or newer with npm and build again: <code>./dev build</code> does both.
<p lang="zh">此服务器构建时没有包含网页。其他功能一切正常。要得到网页，请安装 Node 18 或更新版本，然后运行 <code>./dev build</code>。
</html>
)";

constexpr std::array assets{
    page_asset{"/index.html", "text/html; charset=utf-8", "without-node", document, "", ""},
};

}  // namespace

std::span<const page_asset> page_assets() noexcept { return assets; }

}  // namespace sluice::http
