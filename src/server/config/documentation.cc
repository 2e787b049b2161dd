#include "server/config/documentation.h"

#include <fmt/format.h>

#include <iterator>

#include "server/config/option_table.h"

namespace martlet::server {
namespace {

constexpr std::string_view kBegin = "<!-- options: begin -->\n";
constexpr std::string_view kEnd = "<!-- options: end -->\n";
constexpr std::string_view kHead =
    "| option | default | permitted | what it does |\n"
    "| --- | --- | --- | --- |\n";

template <class Config>
void append_row(std::string& out, const Option<Config>& option) {
  const std::string value = option.value_text(Config{});
  fmt::format_to(std::back_inserter(out), "| `{}` | {} | {} | {} |\n", option.facts.name,
                 value.empty() ? "" : fmt::format("`{}`", value), permitted_values(option.facts),
                 option.facts.description);
}

std::string_view section_of(std::string_view name) {
  return name.substr(0, name.find('.'));
}

}  // namespace

std::string options_markdown() {
  std::string out;
  std::string_view section;
  for (const auto& option : server_options()) {
    if (section_of(option.facts.name) != section) {
      section = section_of(option.facts.name);
      fmt::format_to(std::back_inserter(out), "{}### [{}]\n\n{}", out.empty() ? "" : "\n", section, kHead);
    }
    append_row(out, option);
  }
  fmt::format_to(std::back_inserter(out), "\n### [[listener]]\n\n{}", kHead);
  for (const auto& option : listener_options()) append_row(out, option);
  fmt::format_to(std::back_inserter(out), "\n### [[durability]]\n\n{}", kHead);
  for (const auto& option : durability_options()) append_row(out, option);
  return out;
}

Result<std::string> renew_page(std::string_view page) {
  const std::size_t begin = page.find(kBegin);
  const std::size_t end = page.find(kEnd);
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) {
    return fail("the page has no lines `<!-- options: begin -->` and `<!-- options: end -->`");
  }
  return fmt::format("{}\n{}\n{}", page.substr(0, begin + kBegin.size()), options_markdown(), page.substr(end));
}

}  // namespace martlet::server
