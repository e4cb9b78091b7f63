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

use local_copbridge\local\identity;
use local_copbridge\local\scope;
use local_copbridge\local\settings;
use local_copbridge\local\words;

/**
 * What is set.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class connection {
    /** @var int courses in scope */
    private readonly int $courses;

    /**
     * Counts the courses in scope once.
     *
     * @param int|null $courses null: counts them
     */
    public function __construct(?int $courses = null) {
        $this->courses = $courses ?? count(scope::courses());
    }

    /**
     * What the template needs.
     *
     * @return array
     */
    public function data(): array {
        return [
            'facts' => [
                self::fact('address', settings::endpoint() ?: self::missing('endpoint', 'address')),
                self::fact('secret', $this->secrets()),
                self::fact('scope', $this->scope()),
                self::fact('fields', self::names(settings::profile_fields(), settings::course_fields())),
            ],
            'settings' => advice::settings() ?? false,
            'canask' => settings::configured() && identity::confirmed(),
        ];
    }

    /**
     * What is missing before anything can be sent.
     *
     * @return array[] text and link of each
     */
    public function problems(): array {
        $found = [];
        if (!settings::configured()) {
            $found[] = 'admin_need_configured';
        }
        if ($this->courses === 0) {
            $found[] = scope::active() ? 'admin_need_courses' : 'admin_need_scope';
        }
        return array_map(static fn(string $key): array => [
            'text' => get_string($key, 'local_copbridge'),
            'link' => advice::settings() ?? false,
        ], $found);
    }

    /**
     * How many secrets sign.
     *
     * @return string
     */
    private function secrets(): string {
        return match (count(settings::secrets())) {
            0 => self::missing('secret', 'secret'),
            1 => get_string('admin_secret_one', 'local_copbridge'),
            default => get_string('admin_secret_two', 'local_copbridge'),
        };
    }

    /**
     * Which courses.
     *
     * @return string
     */
    private function scope(): string {
        $scope = scope::active() ? settings::get('scope') : 'none';
        $words = get_string("settings_scope_$scope", 'local_copbridge');
        return $scope === 'none' ? $words : "$words: " . words::counted('admin_courses', $this->courses);
    }

    /**
     * The fields that go along.
     *
     * @param string[] $profile
     * @param string[] $course
     * @return string
     */
    private static function names(array $profile, array $course): string {
        $names = array_unique([...$profile, ...$course]);
        return $names ? implode(', ', $names) : get_string('none');
    }

    /**
     * That something isn't there, or isn't what it should be.
     *
     * @param string $setting
     * @param string $what
     * @return string
     */
    private static function missing(string $setting, string $what): string {
        $key = settings::get($setting) === '' ? 'admin_missing' : "admin_wrong_$what";
        return get_string($key, 'local_copbridge');
    }

    /**
     * One line.
     *
     * @param string $key
     * @param string $value plain text
     * @return string[]
     */
    private static function fact(string $key, string $value): array {
        return ['name' => get_string("admin_fact_$key", 'local_copbridge'), 'value' => $value];
    }
}
