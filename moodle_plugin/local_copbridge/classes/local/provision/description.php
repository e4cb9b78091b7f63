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

namespace local_copbridge\local\provision;

/**
 * Looks through the description of an activity before anything is made of it.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class description {
    /** @var string[] types of forums that need nothing more */
    private const FORUMS = ['general', 'eachuser', 'qanda', 'blog'];

    /** @var array<string, string[]> settings that a kind of activity takes */
    private const SETTINGS = [
        'assign' => ['submissiontypes', 'duedate', 'grade', 'gradepass'],
        'book' => ['content'],
        'choice' => ['options'],
        'feedback' => ['questions'],
        'forum' => ['type'],
        'page' => ['content'],
        'quiz' => ['grade', 'gradepass'],
        'url' => ['externalurl'],
    ];

    /**
     * Refuses what cannot be made, with a reason.
     *
     * @param array $wanted the activity's description
     */
    public static function check(array $wanted): void {
        $modname = $wanted['modname'];
        if (!in_array($modname, kinds::MADE, true)) {
            throw new problem('kind', ['kind' => $modname, 'kinds' => implode(', ', kinds::MADE)]);
        }
        self::name($wanted['name']);
        self::check_idnumber($wanted['idnumber']);
        if ($wanted['idnumber'] === '') {
            throw new problem('noidnumber');
        }
        $settings = $wanted['settings'] ?? [];
        $foreign = array_diff(array_keys($settings), self::SETTINGS[$modname] ?? []);
        if ($foreign) {
            throw new problem('setting', ['settings' => implode(', ', $foreign), 'kind' => $modname]);
        }
        self::check_settings($modname, $settings, $wanted['completion'] ?? []);
        self::check_grades($modname, $settings);
    }

    /**
     * A name as Moodle's own forms would keep it; refused where it could not be kept.
     *
     * @param string $name
     * @param bool $required
     * @return string
     */
    public static function name(string $name, bool $required = true): string {
        global $CFG;
        $name = trim(clean_param($name, empty($CFG->formatstringstriptags) ? PARAM_CLEANHTML : PARAM_TEXT));
        if (($required && $name === '') || \core_text::strlen($name) > 255) {
            throw new problem('name');
        }
        return $name;
    }

    /**
     * Refuses an ID number that Moodle could not keep.
     *
     * @param string $idnumber
     */
    public static function check_idnumber(string $idnumber): void {
        if (\core_text::strlen($idnumber) > 100 || $idnumber !== trim($idnumber)) {
            throw new problem('idnumber');
        }
    }

    /**
     * Refuses settings of a kind of activity with which it would be of no use.
     *
     * @param string $modname
     * @param array $settings
     * @param array $completion
     */
    private static function check_settings(string $modname, array $settings, array $completion): void {
        $filled = fn(string $name): bool => (bool) array_filter(array_map('trim', $settings[$name] ?? []), 'strlen');
        if ($modname === 'url' && !preg_match('~^https?://[^\s/]+~i', $settings['externalurl'] ?? '')) {
            throw new problem('externalurl');
        }
        if ($modname === 'choice' && !$filled('options')) {
            throw new problem('options');
        }
        if ($modname === 'forum' && !in_array($settings['type'] ?? 'general', self::FORUMS, true)) {
            throw new problem('forumtype', ['type' => $settings['type'], 'types' => implode(', ', self::FORUMS)]);
        }
        if ($modname === 'feedback' && !empty($completion['submit']) && !$filled('questions')) {
            throw new problem('questions');
        }
        if ($modname === 'assign' && isset($settings['submissiontypes'])) {
            $unknown = array_diff($settings['submissiontypes'], ['file', 'onlinetext']);
            if ($unknown || (!empty($completion['submit']) && !$settings['submissiontypes'])) {
                throw new problem('submissiontypes');
            }
        }
    }

    /**
     * Refuses a mark to pass that nobody could reach.
     *
     * @param string $modname
     * @param array $settings
     */
    private static function check_grades(string $modname, array $settings): void {
        $highest = (float) ($settings['grade'] ?? ($modname === 'quiz' ? get_config('quiz', 'maximumgrade') : 100));
        $pass = $settings['gradepass'] ?? 0;
        if ($highest <= 0 || $pass < 0 || $pass > $highest) {
            throw new problem('gradepass', $highest);
        }
    }
}
