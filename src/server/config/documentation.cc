#include "server/config/documentation.h"

#include <fmt/format.h>

#include <iterator>

#include "server/config/explain.h"
#include "server/config/option_table.h"

namespace martlet::server {
namespace {

constexpr std::string_view kBegin = "<!-- options: begin -->\n";
constexpr std::string_view kEnd = "<!-- options: end -->\n";
constexpr std::string_view kHead =
    "| option | default | permitted | reload | what it does |\n"
    "| --- | --- | --- | --- | --- |\n";

template <class Config>
void append_row(std::string& out, std::span<const Option<Config>> options, const Option<Config>& option) {
  const std::string value = option.value_text(Config{});
  const std::string kinds = kinds_text(options, option.facts);
  fmt::format_to(std::back_inserter(out), "| `{}` | {} | {} | {} | {}{} |\n", option.facts.name,
                 value.empty() ? "" : fmt::format("`{}`", value), permitted_values(option.facts),
                 option.facts.live ? "yes" : "", option.facts.description,
                 kinds.empty() ? "" : fmt::format(" ({})", kinds));
}

template <class Config>
void append_array(std::string& out, std::string_view name, std::span<const Option<Config>> options) {
  fmt::format_to(std::back_inserter(out), "\n### [[{}]]\n\n{}", name, kHead);
  for (const auto& option : options) append_row(out, options, option);
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
    append_row(out, server_options(), option);
  }
  append_array(out, "listener", listener_options());
  append_array(out, "authentication", provider_options());
  append_array(out, "authorization", access_options());
  append_array(out, "durability", durability_options());
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
