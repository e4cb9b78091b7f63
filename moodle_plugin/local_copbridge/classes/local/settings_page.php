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

namespace local_copbridge\local;

/**
 * Builds the administrator's page.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class settings_page {
    /**
     * Adds all settings.
     *
     * @param \admin_settingpage $page
     */
    public static function fill(\admin_settingpage $page): void {
        $status = new \moodle_url('/local/copbridge/status.php');
        $link = \html_writer::link($status, get_string('settings_status', 'local_copbridge'));
        $page->add(self::heading('connection', $link));
        $page->add(new admin\setting_address(...self::words('endpoint'), ...['', PARAM_RAW_TRIMMED, 30]));
        $page->add(new admin\setting_secret(...self::words('secret'), ...['']));
        $page->add(new admin\setting_secret(...self::words('secret2'), ...['']));
        $page->add(new \admin_setting_configcheckbox(...self::words('atonce'), ...[1]));
        $page->add(self::heading('communities'));
        $page->add(new \admin_setting_configselect(...self::words('scope'), ...['none', [
            'none' => get_string('settings_scope_none', 'local_copbridge'),
            'chosen' => get_string('settings_scope_chosen', 'local_copbridge'),
            'all' => get_string('settings_scope_all', 'local_copbridge'),
        ]]));
        $categories = \core_course_category::make_categories_list();
        $page->add(new \admin_setting_configmultiselect(...self::words('categories'), ...[[], $categories]));
        $page->add(new \admin_setting_configtextarea(...self::words('courses'), ...['', PARAM_RAW]));
        $page->hide_if('local_copbridge/categories', 'local_copbridge/scope', 'neq', 'chosen');
        $page->hide_if('local_copbridge/courses', 'local_copbridge/scope', 'neq', 'chosen');
        $page->add(self::heading('fields'));
        self::fields($page, 'profilefields', 'SELECT shortname, name FROM {user_info_field} ORDER BY name');
        self::fields($page, 'coursefields', "SELECT f.shortname, f.name
                                               FROM {customfield_field} f
                                               JOIN {customfield_category} c ON c.id = f.categoryid
                                              WHERE c.component = 'core_course' AND c.area = 'course'
                                           ORDER BY f.name");
    }

    /**
     * Adds the choice of some fields, where the site has any.
     *
     * @param \admin_settingpage $page
     * @param string $name the setting
     * @param string $sql short name and name of each field
     */
    private static function fields(\admin_settingpage $page, string $name, string $sql): void {
        global $DB;
        $fields = array_map('format_string', $DB->get_records_sql_menu($sql));
        if ($fields) {
            $page->add(new \admin_setting_configmultiselect(...self::words($name), ...[[], $fields]));
            return;
        }
        [$full, $title] = self::words($name);
        $page->add(new \admin_setting_description($full, $title, get_string('settings_nofields', 'local_copbridge')));
    }

    /**
     * A heading.
     *
     * @param string $name
     * @param string $more HTML after its words
     * @return \admin_setting_heading
     */
    private static function heading(string $name, string $more = ''): \admin_setting_heading {
        [$full, $title, $words] = self::words($name);
        return new \admin_setting_heading($full, $title, trim("$words $more"));
    }

    /**
     * The name of a setting, its title and its help.
     *
     * @param string $name
     * @return array
     */
    private static function words(string $name): array {
        return [
            "local_copbridge/$name",
            get_string("settings_$name", 'local_copbridge'),
            get_string("settings_{$name}_help", 'local_copbridge'),
        ];
    }
}
