<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge\output\status;

use local_copbridge\local\result;

/**
 * What to do about an outcome, where its own words don't say it all, and the page on which it is done.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class advice {
    /** @var string[] outcomes that come from what is set */
    private const SETTINGS = ['unset', 'refused', 'nonsense', 'redirected', 'http', 'malformed', 'unreachable', 'timeout', 'tls'];

    /**
     * What went wrong, and what to do.
     *
     * @param result $result
     * @return string HTML
     */
    public static function sentence(result $result): string {
        $advice = self::html($result->outcome);
        return $result->message() . ($advice === '' ? '' : \html_writer::empty_tag('br') . $advice);
    }

    /**
     * Words, and a link.
     *
     * @param string $outcome
     * @return string HTML
     */
    private static function html(string $outcome): string {
        $key = "admin_do_$outcome";
        $words = get_string_manager()->string_exists($key, 'local_copbridge') ? get_string($key, 'local_copbridge') : '';
        $link = self::link($outcome);
        return trim($words . ' ' . ($link ? \html_writer::link($link['url'], $link['text']) : ''));
    }

    /**
     * The plugin's settings, for who may change them.
     *
     * @return string[]|null url and text
     */
    public static function settings(): ?array {
        return self::page('local_copbridge', 'admin_link_settings');
    }

    /**
     * The page for an outcome.
     *
     * @param string $outcome
     * @return string[]|null url and text
     */
    private static function link(string $outcome): ?array {
        if ($outcome === 'blocked') {
            return self::page('httpsecurity', 'admin_link_httpsecurity');
        }
        return in_array($outcome, self::SETTINGS, true) ? self::settings() : null;
    }

    /**
     * A page of settings.
     *
     * @param string $section
     * @param string $key the string that it is called by
     * @return string[]|null
     */
    private static function page(string $section, string $key): ?array {
        if (!has_capability('moodle/site:config', \context_system::instance())) {
            return null;
        }
        $url = new \moodle_url('/admin/settings.php', ['section' => $section]);
        return ['url' => $url->out(false), 'text' => get_string($key, 'local_copbridge')];
    }
}
